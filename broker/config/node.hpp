// The configuration as a tree of text that knows where each part was written, and the faults found
// in it.
//
// Used by the other files of this folder: yaml.cpp makes the tree, override.cpp changes it,
// fill.cpp turns it into messages.
#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::configuration {

// A place in a file (line and column from 1), or another source ("environment DUNLIN_NODE_NAME")
// with line 0.
struct place {
  std::string source;
  int line = 0, column = 0;
  std::string to_string() const;
};

struct node {
  enum class kind { null, scalar, list, map };
  kind what = kind::null;
  std::string text;  // of a scalar
  place where;       // of the value
  place key_where;   // of its key
  struct member;
  std::vector<member> members;  // in order; keys are empty in a list

  node* find(std::string_view key);
};
// Not a std::pair: clang cannot have one of a class that is not complete yet.
struct node::member {
  member(std::string key, node value) : first(std::move(key)), second(std::move(value)) {}
  std::string first;
  node second;
};

// Collects what is wrong, one line each:  dunlin.yaml:3:5: listeners.0.adress: no such key. Hint:
// did you mean "address"?
class faults {
 public:
  static constexpr size_t shown_max = 20;
  void add(const place& where, std::string_view key, std::string_view what,
           std::string_view hint = {});
  bool empty() const { return lines_.empty(); }
  absl::Status status() const;  // every line, or ok

 private:
  std::vector<std::string> lines_;
};

// The candidate that `name` was most likely meant to be, or empty.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);
std::string join(const std::vector<std::string>& parts, std::string_view between);

}  // namespace dunlin::configuration
