#include "broker/config/override.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "broker/config/fill.hpp"
#include "broker/config/yaml.hpp"

namespace dunlin::configuration {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using path = std::vector<std::string>;

std::optional<size_t> index_of(std::string_view s) {
  size_t n = 0;
  const auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), n);
  if (ec != std::errc{} || end != s.data() + s.size() || s.size() > 4) return {};
  return n;
}

void move_to(node& n, const place& where) {
  n.where = n.key_where = where;
  for (auto& [key, member] : n.members) move_to(member, where);
}

node leaf(const std::string& text, const place& where) {
  node n;
  n.what = node::kind::scalar;
  n.text = text;
  n.where = n.key_where = where;
  return n;
}

// Sets one path of the tree; the schema tells which steps are keys and which are numbers.
class setter {
 public:
  setter(const place& where, faults& wrong) : where_(where), wrong_(wrong) {}

  void set(node& at, const Descriptor& schema, const path& steps, size_t i,
           const std::string& value) {
    become(at, node::kind::map);
    const auto* field = schema.FindFieldByName(steps[i]);
    if (field == nullptr) return unknown(schema, steps, i);
    const bool last = i + 1 == steps.size();
    if (!last && !field->is_repeated() && field->message_type() == nullptr)
      return fault(steps, i + 2, "there is no such key",
                   '"' + shown(steps, i + 1) + "\" is a single value");
    node* next = at.find(steps[i]);
    if (next == nullptr) next = &at.members.emplace_back(steps[i], empty()).second;
    if (last) return put(*next, *field, value);
    if (field->is_repeated()) return entry(*next, *field, steps, i + 1, value);
    set(*next, *field->message_type(), steps, i + 1, value);
  }

 private:
  void entry(node& list, const FieldDescriptor& f, const path& steps, size_t i,
             const std::string& value) {
    become(list, node::kind::list);
    const auto n = index_of(steps[i]);
    const size_t size = list.members.size();
    if (!n)
      return fault(steps, i + 1, "\"" + steps[i] + "\" is not a number",
                   "entries are numbered from 0");
    if (*n > size)
      return fault(steps, i + 1, "there is no such entry",
                   "the list has " + std::to_string(size) + "; number " + std::to_string(size) +
                       " adds one");
    if (*n == size) list.members.emplace_back("", empty());
    node& at = list.members[*n].second;
    if (i + 1 < steps.size() && f.message_type() != nullptr)
      return set(at, *f.message_type(), steps, i + 1, value);
    if (i + 1 < steps.size()) return fault(steps, i + 2, "there is no such key");
    at = f.message_type() != nullptr ? yaml(value) : leaf(value, where_);
  }
  void put(node& at, const FieldDescriptor& f, const std::string& value) {
    at = f.is_repeated() || f.message_type() != nullptr ? yaml(value) : leaf(value, where_);
  }
  node yaml(const std::string& value) {
    node n = parse_yaml(value, where_.source, wrong_);
    move_to(n, where_);
    return n;
  }
  node empty() const {
    node n;
    n.where = n.key_where = where_;
    return n;
  }
  // A single value in the place of a section is a fault that fill() tells; nothing is added to it.
  static void become(node& n, node::kind what) {
    if (n.what == node::kind::null) n.what = what;
  }
  void unknown(const Descriptor& schema, const path& steps, size_t i) {
    const std::string meant = nearest(steps[i], keys_of(schema));
    fault(steps, i + 1, "there is no such key",
          meant.empty() ? "the keys here are: " + join(keys_of(schema), ", ")
                        : "did you mean \"" + meant + "\"?");
  }
  static std::string shown(const path& steps, size_t n) {
    return join(path(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(n)), ".");
  }
  void fault(const path& steps, size_t n, std::string_view what, std::string_view hint = {}) {
    wrong_.add(where_, shown(steps, n), what, hint);
  }

  const place& where_;
  faults& wrong_;
};

path split(std::string_view s, char at) {
  path out;
  for (;;) {
    const size_t n = s.find(at);
    out.emplace_back(s.substr(0, n));
    if (n == std::string_view::npos) return out;
    s.remove_prefix(n + 1);
  }
}

std::string upper(std::string_view s) {
  std::string out(s);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return out;
}

// Takes `word` and the "_" after it off the front of `name`.
bool take(std::string_view& name, std::string_view word) {
  if (!name.starts_with(word)) return false;
  if (name.size() > word.size() && name[word.size()] != '_') return false;
  name.remove_prefix(std::min(name.size(), word.size() + 1));
  return true;
}

void find_paths(std::string_view name, const Descriptor& schema, path& so_far,
                std::vector<path>& out) {
  for (int i = 0; i < schema.field_count(); ++i) {
    const auto& f = *schema.field(i);
    std::string_view rest = name;
    if (!take(rest, upper(f.name()))) continue;
    const size_t depth = so_far.size();
    so_far.push_back(f.name());
    if (f.is_repeated() && !rest.empty()) {
      const auto digits = rest.substr(0, rest.find('_'));
      if (index_of(digits)) {
        so_far.emplace_back(digits);
        rest.remove_prefix(std::min(rest.size(), digits.size() + 1));
        if (rest.empty()) out.push_back(so_far);
      }
    } else if (rest.empty()) {
      out.push_back(so_far);
    }
    if (!rest.empty() && f.message_type() != nullptr)
      find_paths(rest, *f.message_type(), so_far, out);
    so_far.resize(depth);
  }
}

bool before(const path& a, const path& b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](const auto& x, const auto& y) {
                                        const bool numbers = index_of(x) && index_of(y);
                                        return numbers ? *index_of(x) < *index_of(y) : x < y;
                                      });
}

bool set_by_kubernetes(std::string_view name) {
  return name.starts_with("PORT") || name.find("_PORT") != std::string_view::npos ||
         name.find("SERVICE_HOST") != std::string_view::npos ||
         name.find("SERVICE_PORT") != std::string_view::npos;
}

}  // namespace

std::vector<path> paths_of(std::string_view name, const Descriptor& schema) {
  std::vector<path> out;
  path so_far;
  find_paths(name, schema, so_far, out);
  return out;
}

void apply_settings(const std::vector<std::string>& settings, const Descriptor& schema, node& tree,
                    faults& wrong) {
  for (const auto& s : settings) {
    const size_t equals = s.find('=');
    if (equals == std::string::npos || equals == 0) {
      wrong.add({"--set " + s}, "", "must have the form KEY=VALUE",
                "for example --set http.address=127.0.0.1:8081");
      continue;
    }
    const place where{"--set"};
    setter(where, wrong)
        .set(tree, schema, split(s.substr(0, equals), '.'), 0, s.substr(equals + 1));
  }
}

void apply_environment(const std::vector<setting>& environment, const Descriptor& schema,
                       node& tree, faults& wrong, std::vector<std::string>& warnings) {
  constexpr std::string_view prefix = "DUNLIN_";
  struct found {
    path steps;
    const setting* what;
  };
  std::vector<found> all;
  for (const auto& e : environment) {
    if (!e.first.starts_with(prefix)) continue;
    const auto name = std::string_view(e.first).substr(prefix.size());
    auto paths = paths_of(name, schema);
    if (paths.size() > 1)
      wrong.add({"environment " + e.first}, "", "can mean more than one key", "use --set instead");
    else if (paths.size() == 1)
      all.push_back({std::move(paths[0]), &e});
    else if (!set_by_kubernetes(name))
      warnings.push_back("environment " + e.first + ": names no key and is ignored");
  }
  // The environment has no order: entry 0 of a list must be there before entry 1 can be added.
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return before(a.steps, b.steps); });
  for (const auto& f : all) {
    const place where{"environment " + f.what->first};
    setter(where, wrong).set(tree, schema, f.steps, 0, f.what->second);
  }
}

}  // namespace dunlin::configuration
