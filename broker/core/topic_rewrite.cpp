#include "broker/core/topic_rewrite.hpp"

#include <re2/re2.h>

#include "broker/mqtt/topic.hpp"

namespace dunlin::core {

namespace {

constexpr int64_t regex_memory_max = 1 << 20;  // of one compiled expression, bytes
constexpr int groups_max = 9;
constexpr size_t topic_bytes_max = 65'535;

re2::StringPiece piece(std::string_view s) { return {s.data(), s.size()}; }

}  // namespace

topic_rewrite::topic_rewrite() = default;
topic_rewrite::~topic_rewrite() = default;

std::optional<topic_rewrite::fault> topic_rewrite::add(const rewrite_rule& r) {
  if (!mqtt::valid_topic_filter(r.filter) || mqtt::parse_shared(r.filter))
    return fault{"filter", '"' + r.filter + "\" is not a topic filter",
                 "which topics the rule looks at, for example \"x/#\""};
  if (r.regex.empty())
    return fault{"regex", "a rewrite needs a regular expression", "for example \"^x/(.+)$\""};
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_max_mem(regex_memory_max);
  auto regex = std::make_unique<re2::RE2>(piece(r.regex), options);
  if (!regex->ok())
    return fault{"regex", '"' + r.regex + "\" is no regular expression: " + regex->error(),
                 "RE2 syntax: no back references, no look-ahead"};
  topic_pattern to(r.to, groups_max);
  if (static_cast<int>(to.highest_group()) > regex->NumberOfCapturingGroups())
    return fault{"to",
                 '"' + r.to + "\" names group $" + std::to_string(to.highest_group()) +
                     ", and regex has " + std::to_string(regex->NumberOfCapturingGroups()),
                 "groups are in (parentheses)"};
  const std::string example = to.example();
  if (r.publish && !mqtt::valid_topic_name(example))
    return fault{"to", '"' + r.to + "\" is not a topic to publish to",
                 "no + and #, or action: subscribe"};
  if (!mqtt::valid_topic_filter(example) || mqtt::parse_shared(example))
    return fault{"to", '"' + r.to + "\" is not a topic filter", "for example \"y/$1\""};
  rules_.push_back({r.publish, r.subscribe, r.filter, std::move(regex), std::move(to)});
  return std::nullopt;
}

rewritten topic_rewrite::run(bool compiled::*action, std::string_view text, const topic_user& who,
                             std::string& out) const {
  for (const compiled& r : rules_) {
    if (!(r.*action) || !mqtt::matches(r.filter, text)) continue;
    re2::StringPiece found[groups_max + 1];
    const int n = static_cast<int>(r.to.highest_group()) + 1;
    if (!r.regex->Match(piece(text), 0, text.size(), re2::RE2::UNANCHORED, found, n)) continue;
    std::vector<std::string_view> groups;
    for (int i = 0; i < n; ++i) groups.emplace_back(found[i].data(), found[i].size());
    std::string made;
    if (!r.to.expand(who, groups, made) || made.size() > topic_bytes_max) return rewritten::refused;
    out = std::move(made);
    return rewritten::changed;
  }
  return rewritten::no;
}

rewritten topic_rewrite::publish(std::string_view topic, const topic_user& who,
                                 std::string& out) const {
  const rewritten r = run(&compiled::publish, topic, who, out);
  return r == rewritten::changed && !mqtt::valid_topic_name(out) ? rewritten::refused : r;
}

rewritten topic_rewrite::subscribe(std::string_view filter, const topic_user& who,
                                   std::string& out) const {
  const auto shared = mqtt::parse_shared(filter);
  const rewritten r = run(&compiled::subscribe, shared ? shared->filter : filter, who, out);
  if (r != rewritten::changed) return r;
  if (!mqtt::valid_topic_filter(out) || mqtt::parse_shared(out)) return rewritten::refused;
  if (shared) out = std::string("$share/").append(shared->group) + "/" + out;
  return r;
}

}  // namespace dunlin::core
