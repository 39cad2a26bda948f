// A topic filter's text, shared by the session that subscribed and the shards that match it; and
// subscription identifiers, shared by every message that one subscription matched.
//
//   filter_ptr f = make_filter("a/+/c");   flat_hash_map<filter_ptr, T, filter_hash, filter_equal>
//   m; m.find(std::string_view("a/+/c"))
#pragma once

#include <absl/hash/hash.h>
#include <absl/strings/string_view.h>

#include <memory>
#include <string>
#include <string_view>

#include "broker/core/shared_text.hpp"

namespace dunlin::core {

using filter_ptr = shared_text;

struct text_hash {
  using is_transparent = void;
  size_t operator()(std::string_view s) const {
    return absl::Hash<absl::string_view>{}(absl::string_view(s.data(), s.size()));
  }
  size_t operator()(const shared_text& s) const { return (*this)(s.view()); }
};
struct text_equal {
  using is_transparent = void;
  static std::string_view view(std::string_view s) { return s; }
  static std::string_view view(const shared_text& s) { return s.view(); }
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    return view(a) == view(b);
  }
};

}  // namespace dunlin::core
