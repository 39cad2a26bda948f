#include "broker/config/check_mqtt.hpp"

#include "broker/access/scram.hpp"

namespace dunlin::configuration {

namespace {

constexpr size_t text_bytes_max = 65'535;

void check_user(const checker& k, int i) {
  const auto& u = k.config.access().users(i);
  const std::string path = "access.users." + std::to_string(i);
  if (u.name().empty() || u.name().size() > text_bytes_max)
    k.fault(path + ".name", "a user needs a name", "the user name that its client gives");
  for (int j = 0; j < i; ++j)
    if (!u.name().empty() && k.config.access().users(j).name() == u.name())
      k.fault(path + ".name",
              "the name \"" + u.name() + "\" is taken by access.users." + std::to_string(j),
              "give each user its own name");
  if (u.password().empty() == u.scram().empty())
    k.fault(path + (u.password().empty() ? "" : ".scram"),
            "a user needs a password or a scram line",
            "give one of the two; dunlin scram-user NAME makes a scram line");
  else if (u.password().size() > text_bytes_max)
    k.fault(path + ".password", "is longer than a client can send", "65535 bytes at most");
  else if (!u.scram().empty() && !access::parse_verifier(u.scram()))
    k.fault(path + ".scram", "is not a SCRAM-SHA-256 line",
            "SCRAM-SHA-256$4096:SALT$STORED:SERVER, the last three in base64, 4096 to 100000 "
            "iterations; dunlin scram-user NAME makes one");
}

}  // namespace

void check_access(const checker& k) {
  for (int i = 0; i < k.config.access().users_size(); ++i) check_user(k, i);
}

void check_mqtt(const checker& k) {
  const auto& m = k.config.mqtt();
  if (m.response_topic_prefix().find_first_of("+#") != std::string::npos ||
      m.response_topic_prefix().find('\0') != std::string::npos)
    k.fault("mqtt.response_topic_prefix", "a topic name has no + and no #",
            "the beginning of a topic, for example \"reply/%c/\"; %c is the client ID");
  constexpr size_t prefix_bytes_max = 1024;
  if (m.response_topic_prefix().size() > prefix_bytes_max)
    k.fault("mqtt.response_topic_prefix", "is longer than 1024 bytes", "shorten it");
  if (m.server_reference().size() > prefix_bytes_max)
    k.fault("mqtt.server_reference", "is longer than 1024 bytes", "host:port, or several of them");
  if (m.server_moved() && m.server_reference().empty())
    k.fault("mqtt.server_moved", "needs mqtt.server_reference",
            "say where the server moved to: server_reference: \"other:1883\"");
}

}  // namespace dunlin::configuration
