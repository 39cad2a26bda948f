#include "broker/guard/ban_list.hpp"

#include <algorithm>
#include <tuple>

namespace dunlin::guard {
namespace {

// Debian's Abseil does not take std::string_view.
absl::string_view key(std::string_view s) { return {s.data(), s.size()}; }

template <class Map>
size_t erase_where(Map& m, const std::function<bool(const ban&)>& which) {
  size_t n = 0;
  for (auto it = m.begin(); it != m.end();) {
    if (which(it->second)) {
      m.erase(it++);
      ++n;
    } else {
      ++it;
    }
  }
  return n;
}

}  // namespace

std::optional<std::string> ban_list::normal_value(ban_kind k, std::string_view value) {
  if (value.empty()) return {};
  if (k != ban_kind::address) return std::string(value);
  const auto n = parse_network(value);
  if (!n) return {};
  return to_string(*n);
}

void ban_list::add(ban b) {
  if (b.kind != ban_kind::address) {
    std::string name = b.value;
    texts(b.kind).insert_or_assign(std::move(name), std::move(b));
  } else if (const auto n = parse_network(b.value)) {
    networks_[n->bits].insert_or_assign(n->base, std::move(b));
  }
}

bool ban_list::remove(ban_kind k, std::string_view value) {
  if (k != ban_kind::address) return texts(k).erase(key(value)) > 0;
  const auto n = parse_network(value);
  if (!n) return false;
  auto it = networks_.find(n->bits);
  if (it == networks_.end() || it->second.erase(n->base) == 0) return false;
  if (it->second.empty()) networks_.erase(it);
  return true;
}

const ban* ban_list::get(ban_kind k, std::string_view value) const {
  if (k != ban_kind::address) {
    auto it = texts(k).find(key(value));
    return it == texts(k).end() ? nullptr : &it->second;
  }
  const auto n = parse_network(value);
  if (!n) return nullptr;
  auto of = networks_.find(n->bits);
  if (of == networks_.end()) return nullptr;
  auto it = of->second.find(n->base);
  return it == of->second.end() ? nullptr : &it->second;
}

const ban* ban_list::find_address(const ip& a, int64_t now_ms) const {
  for (const auto& [bits, of] : networks_) {
    auto it = of.find(masked(a, bits));
    if (it != of.end() && !it->second.over(now_ms)) return &it->second;
  }
  return nullptr;
}

const ban* ban_list::find(const who& w, int64_t now_ms) const {
  if (w.address && !networks_.empty())
    if (const ban* b = find_address(*w.address, now_ms)) return b;
  if (!clients_.empty())
    if (auto it = clients_.find(key(w.client_id)); it != clients_.end() && !it->second.over(now_ms))
      return &it->second;
  if (!users_.empty() && !w.user_name.empty())
    if (auto it = users_.find(key(w.user_name)); it != users_.end() && !it->second.over(now_ms))
      return &it->second;
  return nullptr;
}

size_t ban_list::remove_if(const std::function<bool(const ban&)>& which) {
  size_t n = erase_where(clients_, which) + erase_where(users_, which);
  for (auto it = networks_.begin(); it != networks_.end();) {
    n += erase_where(it->second, which);
    it = it->second.empty() ? networks_.erase(it) : std::next(it);
  }
  return n;
}

size_t ban_list::remove_expired(int64_t now_ms) {
  return remove_if([now_ms](const ban& b) { return b.over(now_ms); });
}

std::vector<ban> ban_list::all() const {
  std::vector<ban> out;
  out.reserve(size());
  for (const auto& [value, b] : clients_) out.push_back(b);
  for (const auto& [value, b] : users_) out.push_back(b);
  for (const auto& [bits, of] : networks_)
    for (const auto& [base, b] : of) out.push_back(b);
  std::sort(out.begin(), out.end(), [](const ban& a, const ban& b) {
    return std::tie(a.kind, a.value) < std::tie(b.kind, b.value);
  });
  return out;
}

size_t ban_list::size() const {
  size_t n = clients_.size() + users_.size();
  for (const auto& [bits, of] : networks_) n += of.size();
  return n;
}

}  // namespace dunlin::guard
