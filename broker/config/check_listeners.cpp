#include "broker/config/check_listeners.hpp"

#include <ctime>

#include "broker/config/listener_options.hpp"
#include "broker/config/value.hpp"
#include "broker/net/tls_context.hpp"

namespace dunlin::configuration {
namespace {

using proto::Listener;

bool everywhere(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

struct bound {
  std::string key;
  address at;
};

class listeners_check {
 public:
  listeners_check(const checker& k, std::vector<std::string>& warnings)
      : k_(k), warnings_(warnings) {}

  void run() {
    if (k_.config.listeners_size() == 0)
      k_.fault("listeners", "there is no listener",
               "add - {name: tcp, transport: tcp, address: \"127.0.0.1:1883\"}");
    for (int i = 0; i < k_.config.listeners_size(); ++i) one(i);
    if (k_.config.http().enabled()) place_of("http.address", k_.config.http().address());
  }

 private:
  void one(int i) {
    const auto& l = k_.config.listeners(i);
    const std::string path = "listeners." + std::to_string(i);
    if (!good_name(l.name()))
      k_.fault(path + ".name",
               l.name().empty() ? "a listener needs a name" : '"' + l.name() + "\" is not a name",
               "up to 64 of A-Z a-z 0-9 _ -, with a letter or digit");
    for (int j = 0; j < i; ++j)
      if (!l.name().empty() && k_.config.listeners(j).name() == l.name())
        k_.fault(path + ".name",
                 "the name \"" + l.name() + "\" is taken by listeners." + std::to_string(j),
                 "give each listener its own name");
    belongs(path, l);
    if (l.transport() == Listener::UNIX)
      socket_file(path, l);
    else
      place_of(path + ".address", l.address());
    if (l.path().empty() || l.path()[0] != '/' ||
        l.path().find_first_of(" ?#\r\n") != std::string::npos)
      k_.fault(path + ".path", '"' + l.path() + "\" is not the path of a URL", "for example /mqtt");
    if (has_tls(l.transport())) certificates(path, l);
  }

  // Keys of other transports.
  void belongs(const std::string& path, const Listener& l) {
    const auto only = [&](const char* key, bool given, bool fits, const std::string& to) {
      if (given && !fits)
        k_.fault(path + key,
                 "has no meaning for transport: " + lower(Listener::Transport_Name(l.transport())),
                 "it belongs to " + to + "; remove it");
    };
    only(".path", l.has_path(), has_websocket(l.transport()), "a websocket");
    only(".mode", l.has_mode(), l.transport() == Listener::UNIX, "transport: unix");
    only(".tls", l.has_tls(), has_tls(l.transport()), "transport: tls and websocket_tls");
  }

  void socket_file(const std::string& path, const Listener& l) {
    constexpr size_t path_max = 107;  // of sockaddr_un
    if (l.address().empty() || l.address().find('/') == std::string::npos ||
        l.address().size() > path_max)
      k_.fault(path + ".address", '"' + l.address() + "\" is not the path of a Unix socket",
               "for example \"/run/dunlin.sock\", up to 107 bytes");
    for (const auto& f : files_)
      if (f.first == l.address())
        k_.fault(path + ".address", '"' + l.address() + "\" is taken by " + f.second,
                 "give each its own path");
    files_.emplace_back(l.address(), path + ".address");
    if (l.mode().empty() || l.mode().size() > 4 ||
        l.mode().find_first_not_of("01234567") != std::string::npos)
      k_.fault(path + ".mode", '"' + l.mode() + "\" is not the mode of a file",
               "octal, for example \"0660\"");
  }

  void certificates(const std::string& path, const Listener& l) {
    const auto& t = l.tls();
    for (int i = 0; i < t.sni_size(); ++i)
      if (t.sni(i).host().empty())
        k_.fault(path + ".tls.sni." + std::to_string(i) + ".host", "a certificate needs its host",
                 "for example \"mqtt.example.org\" or \"*.example.org\"");
    const bool checked = t.client_certificate() != proto::ClientCertificate::NONE;
    if (t.user_name_from() != proto::UserName::NONE && !checked)
      k_.fault(path + ".tls.user_name_from", "needs clients' certificates",
               "set client_certificate: required (or optional) and ca");
    if (t.has_crl() && !checked)
      k_.fault(path + ".tls.crl", "has no meaning without clients' certificates",
               "set client_certificate: required (or optional) and ca");
    std::vector<net::tls_fault> wrong;
    const auto material = net::load_tls(*to_transport_options(l).tls, wrong);
    for (const auto& f : wrong) k_.fault(path + ".tls." + f.key, f.what, f.hint);
    if (material && material->expires_s < static_cast<int64_t>(std::time(nullptr)))
      warnings_.push_back(k_.where(path + ".tls.certificate").to_string() + ": " + path +
                          ".tls.certificate: " + t.certificate() + " has expired at " +
                          material->not_after + ": clients will refuse it");
  }

  void place_of(const std::string& key, const std::string& text) {
    const auto parsed = parse_address(text);
    if (text.empty()) return k_.fault(key, "a listener needs an address", address_form);
    if (!parsed || !is_literal(parsed->host))
      return k_.fault(key, '"' + text + "\" is not an address to listen on", address_form);
    for (const auto& other : taken_) {
      if (other.at.port != parsed->port || parsed->port == 0) continue;  // 0: any free port
      if (other.at.host == parsed->host || everywhere(other.at.host) || everywhere(parsed->host))
        k_.fault(key, "\"" + text + "\" is taken by " + other.key, "give each its own port");
    }
    taken_.push_back({key, *parsed});
  }

  const checker& k_;
  std::vector<std::string>& warnings_;
  std::vector<bound> taken_;
  std::vector<std::pair<std::string, std::string>> files_;  // path, key
};

}  // namespace

void check_listeners(const checker& k, std::vector<std::string>& warnings) {
  listeners_check(k, warnings).run();
}

}  // namespace dunlin::configuration
