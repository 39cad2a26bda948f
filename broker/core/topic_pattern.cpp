#include "broker/core/topic_pattern.hpp"

#include <algorithm>

namespace dunlin::core {

topic_pattern::topic_pattern(std::string_view text, size_t groups_max) {
  for (size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] == '%' && (next == 'c' || next == 'u')) {
      pieces_.push_back({next == 'c' ? kind::client_id : kind::user_name});
      ++i;
    } else if (text[i] == '$' && groups_max > 0 && next >= '1' && next <= '9') {
      pieces_.push_back({kind::group, static_cast<uint8_t>(next - '0')});
      highest_group_ = std::max<size_t>(highest_group_, pieces_.back().group);
      ++i;
    } else {
      add(text[i]);
    }
  }
}

void topic_pattern::add(char c) {
  if (pieces_.empty() || pieces_.back().what != kind::literal) pieces_.push_back({});
  pieces_.back().text.push_back(c);
}

bool topic_pattern::expand(const topic_user& who, const std::vector<std::string_view>& groups,
                           std::string& out) const {
  for (const piece& p : pieces_) {
    if (p.what == kind::literal) {
      out.append(p.text);
      continue;
    }
    if (p.what == kind::group) {
      if (p.group < groups.size()) out.append(groups[p.group]);
      continue;
    }
    const std::string_view value = p.what == kind::client_id ? who.client_id : who.user_name;
    if (value.empty() || value.find_first_of(std::string_view("/+#\0", 4)) != value.npos)
      return false;
    out.append(value);
  }
  return true;
}

std::string topic_pattern::example() const {
  std::string out;
  for (const piece& p : pieces_) out.append(p.what == kind::literal ? p.text : "x");
  return out;
}

}  // namespace dunlin::core
