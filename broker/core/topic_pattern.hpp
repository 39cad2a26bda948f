// A topic with placeholders: %c the client ID, %u the user name, and $1 to $9 the groups of a
// regular expression. Parsed when the configuration is read, filled in for each client.
//
// Used by topic_rewrite.hpp and auto-subscriptions. A value must not reach beyond the place that it
// is put in: one that is empty or holds '/', '+', '#' makes expand() fail.
//
//   topic_pattern p("c/%c/cmd", 0);  std::string out;  if (p.expand({"c1", "bob"}, {}, out)) ...
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::core {

struct topic_user {
  std::string_view client_id, user_name;
};

class topic_pattern {
 public:
  topic_pattern() = default;
  // With groups_max 0 a '$' is only itself.
  topic_pattern(std::string_view text, size_t groups_max);

  // Appends. groups[0] is the whole match; a group may hold anything.
  bool expand(const topic_user& who, const std::vector<std::string_view>& groups,
              std::string& out) const;
  size_t highest_group() const { return highest_group_; }
  // The text without its placeholders, a letter in the place of each: what it may become at best.
  std::string example() const;

 private:
  enum class kind : uint8_t { literal, group, client_id, user_name };
  struct piece {
    kind what = kind::literal;
    uint8_t group = 0;
    std::string text{};
  };
  void add(char c);

  std::vector<piece> pieces_;
  size_t highest_group_ = 0;
};

}  // namespace dunlin::core
