// Topics that are rewritten on their way in: rules of a filter, a regular expression and what the
// topic becomes. The first rule that matches wins.
//
// Pure; compiled when the configuration is read, then only read, from every reactor. RE2 takes time
// in proportion to the topic, whatever the expression, and no stack.
//
//   topic_rewrite r;  if (auto f = r.add({.filter = "x/#", .regex = "^x/(.+)$", .to = "y/$1"})) ...
//   std::string out;  if (r.publish("x/1", {"client", "user"}, out) == rewritten::changed) ...
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/topic_pattern.hpp"

namespace re2 {
class RE2;
}

namespace dunlin::core {

struct rewrite_rule {
  bool publish = true, subscribe = true;
  std::string filter, regex, to;
};
enum class rewritten : uint8_t {
  no,
  changed,
  refused,  // what it would become is no topic, or no filter
};

class topic_rewrite {
 public:
  topic_rewrite();
  ~topic_rewrite();

  struct fault {
    std::string_view key;  // of the rule
    std::string what, hint;
  };
  std::optional<fault> add(const rewrite_rule& r);

  // `out` is set when the answer is `changed`.
  rewritten publish(std::string_view topic, const topic_user& who, std::string& out) const;
  // A shared subscription keeps its group: the filter behind it is rewritten.
  rewritten subscribe(std::string_view filter, const topic_user& who, std::string& out) const;

 private:
  struct compiled {
    bool publish, subscribe;
    std::string filter;
    std::unique_ptr<re2::RE2> regex;
    topic_pattern to;
  };
  rewritten run(bool compiled::*action, std::string_view text, const topic_user& who,
                std::string& out) const;

  std::vector<compiled> rules_;
};

}  // namespace dunlin::core
