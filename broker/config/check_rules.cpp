#include "broker/config/check_rules.hpp"

#include <algorithm>
#include <map>

namespace dunlin::configuration {

namespace {

using proto::Rule;

std::string_view article(Rule::Type t) {
  return t == Rule::OUTBOUND  ? "an outbound rule"
         : t == Rule::INBOUND ? "an inbound rule"
                              : "a status rule";
}

// The names that RocketMQ takes for topics and groups; the embedded queue takes the same, so that a
// rule can move.
bool good_queue_name(std::string_view s) {
  return !s.empty() && s.size() <= 127 && std::all_of(s.begin(), s.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '-' || c == '%';
  });
}

bool good_parent_topic(std::string_view s) {
  return !s.empty() && s.size() <= 65'535 && s.find_first_of("/+#") == std::string_view::npos &&
         s.front() != '$';
}

class rule_check {
 public:
  rule_check(const checker& k, int i)
      : k_(k), r_(k.config.rules(i)), path_("rules." + std::to_string(i)) {}

  void run() {
    if (r_.id().empty())
      fault("id", "a rule needs an id", "add id: NAME");
    else if (!good_name(r_.id()))
      fault("id", '"' + r_.id() + "\" is not an id",
            "up to 64 of A-Z a-z 0-9 _ -, with a letter or digit");
    if (!k_.given(path_ + ".type")) {
      fault("type", "a rule needs a type", "add type: outbound, inbound or status");
      return;
    }
    needs("queue", r_.queue());
    if (!r_.queue().empty() && !good_queue_name(r_.queue()))
      fault("queue", '"' + r_.queue() + "\" cannot be the name of a queue",
            "up to 127 of A-Z a-z 0-9 _ - %");
    if (!r_.group().empty() && !good_queue_name(r_.group()))
      fault("group", '"' + r_.group() + "\" cannot be the name of a group",
            "up to 127 of A-Z a-z 0-9 _ - %");
    if (r_.type() == Rule::STATUS)
      status();
    else
      device_topic();
    if (r_.type() != Rule::OUTBOUND)
      only_for("an outbound rule", {"format", "order", "acknowledge", "envelope_messages_max"});
    if (r_.type() != Rule::INBOUND) only_for("an inbound rule", {"unroutable"});
    ranges();
  }

 private:
  void status() {
    needs("group", r_.group());
    only_for("an outbound or inbound rule", {"topic"});
  }
  void device_topic() {
    needs("topic", r_.topic());
    if (!r_.topic().empty() && !good_parent_topic(r_.topic()))
      fault("topic", '"' + r_.topic() + "\" is not a parent topic",
            "write the first level alone: the rule takes it and all topics below it");
    if (r_.type() == Rule::OUTBOUND) only_for("an inbound or status rule", {"group"});
  }
  void ranges() {
    if (r_.retry_min_ms() > r_.retry_max_ms())
      fault(k_.given(path_ + ".retry_min_ms") ? "retry_min_ms" : "retry_max_ms",
            "retry_min_ms (" + std::to_string(r_.retry_min_ms()) + " ms) is above retry_max_ms (" +
                std::to_string(r_.retry_max_ms()) + " ms)");
    // An envelope holds messages of many devices; a FIFO topic keeps an order only within one
    // message group.
    if (r_.type() == Rule::OUTBOUND && r_.order() == Rule::DEVICE && r_.format() == Rule::ENVELOPE)
      fault("order", "order: device cannot be kept with format: envelope",
            "use format: message, or order: none");
  }
  void needs(const std::string& key, const std::string& value) {
    if (value.empty())
      fault(key, std::string(article(r_.type())) + " needs a " + key, "add " + key + ": NAME");
  }
  void only_for(std::string_view whom, std::initializer_list<std::string> keys) {
    for (const auto& key : keys)
      if (k_.given(path_ + '.' + key))
        fault(key, std::string("has no meaning for ") + std::string(article(r_.type())),
              "it belongs to " + std::string(whom) + "; remove it");
  }
  void fault(const std::string& key, std::string_view what, std::string_view hint = {}) {
    k_.fault(path_ + '.' + key, what, hint);
  }

  const checker& k_;
  const Rule& r_;
  std::string path_;
};

// A message that an outbound rule sends and an inbound rule brings back to the same topic would go
// round for ever.
void check_loops(const checker& k) {
  const auto& rules = k.config.rules();
  for (int i = 0; i < rules.size(); ++i)
    for (int o = 0; o < rules.size(); ++o)
      if (rules[i].type() == Rule::INBOUND && rules[o].type() == Rule::OUTBOUND &&
          k.given("rules." + std::to_string(o) + ".type") && !rules[i].topic().empty() &&
          rules[i].topic() == rules[o].topic() && rules[i].queue() == rules[o].queue())
        k.fault("rules." + std::to_string(i) + ".queue",
                "makes a loop with the outbound rule \"" + rules[o].id() +
                    "\": both join topic \"" + rules[i].topic() + "\" and queue \"" +
                    rules[i].queue() + "\"",
                "give each direction its own queue");
}

}  // namespace

void check_rules(const checker& k) {
  std::map<std::string, int> ids;
  for (int i = 0; i < k.config.rules_size(); ++i) {
    rule_check(k, i).run();
    const std::string& id = k.config.rules(i).id();
    const auto [before, fresh] = ids.emplace(id, i);
    if (!fresh && !id.empty())
      k.fault("rules." + std::to_string(i) + ".id",
              "the id \"" + id + "\" is taken by rules." + std::to_string(before->second) + " (" +
                  k.where("rules." + std::to_string(before->second) + ".id").to_string() + ")",
              "give each rule its own id");
  }
  check_loops(k);
}

}  // namespace dunlin::configuration
