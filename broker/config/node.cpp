#include "broker/config/node.hpp"

#include <algorithm>

namespace dunlin::configuration {

std::string place::to_string() const {
  if (line == 0) return source;
  return source + ':' + std::to_string(line) + ':' + std::to_string(column);
}

node* node::find(std::string_view key) {
  for (auto& [name, value] : members)
    if (name == key) return &value;
  return nullptr;
}

void faults::add(const place& where, std::string_view key, std::string_view what,
                 std::string_view hint) {
  std::string line = where.to_string();
  if (!key.empty()) line.append(": ").append(key);
  line.append(": ").append(what);
  if (!line.ends_with('.')) line += '.';
  if (!hint.empty()) line.append(" Hint: ").append(hint);
  lines_.push_back(std::move(line));
}

absl::Status faults::status() const {
  if (lines_.empty()) return absl::OkStatus();
  std::string all;
  for (size_t i = 0; i < std::min(lines_.size(), shown_max); ++i)
    all += (i ? "\n" : "") + lines_[i];
  if (lines_.size() > shown_max)
    all += "\n... and " + std::to_string(lines_.size() - shown_max) + " more.";
  return absl::InvalidArgumentError(all);
}

namespace {

size_t distance(std::string_view a, std::string_view b) {  // Levenshtein's, one row at a time
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
  if (name.size() > 64) return {};
  std::string best;
  size_t least = 1 + std::max<size_t>(1, name.size() / 3);
  for (const auto& c : candidates) {
    const size_t d = distance(name, c);
    if (d < least) {
      least = d;
      best = c;
    }
  }
  if (!best.empty() || name.size() < 3) return best;
  for (const auto& c : candidates)  // "retention" for "retention_s"
    if (c.starts_with(name)) return c;
  return best;
}

std::string join(const std::vector<std::string>& parts, std::string_view between) {
  std::string out;
  for (const auto& p : parts) {
    if (!out.empty()) out += between;
    out += p;
  }
  return out;
}

}  // namespace dunlin::configuration
