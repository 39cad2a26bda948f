// What every check needs: the values, where each was set, and where to tell a fault.
#pragma once

#include <string>
#include <string_view>

#include "broker/config/fill.hpp"
#include "broker/config/node.hpp"
#include "proto/config.pb.h"

namespace dunlin::configuration {

struct checker {
  const proto::Config& config;
  const origins& from;
  const node& tree;
  faults& wrong;

  // Where `key` was set, or else the entry or section that lacks it.
  place where(const std::string& key) const {
    if (const auto it = from.find(key); it != from.end()) return it->second;
    const node* at = &tree;
    place found = tree.where;
    for (size_t begin = 0; begin <= key.size();) {
      const size_t end = std::min(key.find('.', begin), key.size());
      const auto* next = member(*at, std::string_view(key).substr(begin, end - begin));
      if (next == nullptr) break;
      at = next;
      found = next->where;
      begin = end + 1;
    }
    return found;
  }
  bool given(const std::string& key) const { return from.contains(key); }
  void fault(const std::string& key, std::string_view what, std::string_view hint = {}) const {
    wrong.add(where(key), key, what, hint);
  }

 private:
  static const node* member(const node& n, std::string_view key) {
    size_t i = 0;
    for (const auto& [name, value] : n.members) {
      if (n.what == node::kind::list ? std::to_string(i) == key : name == key) return &value;
      ++i;
    }
    return nullptr;
  }
};

// A name that is safe in files, URLs and metrics: A-Z a-z 0-9 _ -, with a letter or digit, up
// to 64.
bool good_name(std::string_view s);

}  // namespace dunlin::configuration
