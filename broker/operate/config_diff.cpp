#include "broker/operate/config_diff.hpp"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <map>

#include "broker/config/render.hpp"

namespace dunlin::operate {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
namespace conf = configuration;

proto::Reload class_of(const FieldDescriptor& f, proto::Reload around) {
  const auto own = f.options().GetExtension(proto::reload);
  return own == proto::AS_SECTION ? around : own;
}

in_force when_of(proto::Reload r) {
  return r == proto::LIVE              ? in_force::at_once
         : r == proto::NEW_CONNECTIONS ? in_force::new_connections
                                       : in_force::after_restart;
}

// The field that names an entry of a list; null when it has none.
const FieldDescriptor* name_field(const Descriptor& d) {
  for (const char* name : {"name", "id"})
    if (const auto* f = d.FindFieldByName(name);
        f != nullptr && !f->is_repeated() && f->cpp_type() == FieldDescriptor::CPPTYPE_STRING)
      return f;
  return nullptr;
}

// A message with only this field: to compare values that are shown alike (secrets).
bool same(const Message& a, const Message& b, const FieldDescriptor& f) {
  google::protobuf::util::MessageDifferencer d;
  d.set_message_field_comparison(google::protobuf::util::MessageDifferencer::EQUIVALENT);
  const std::vector<const FieldDescriptor*> only{&f};
  return d.CompareWithFields(a, b, only, only);
}

class comparison {
 public:
  changes out;

  void messages(const Message& a, const Message& b, const std::string& path, proto::Reload around) {
    for (int i = 0; i < a.GetDescriptor()->field_count(); ++i) {
      const auto& f = *a.GetDescriptor()->field(i);
      if (same(a, b, f)) continue;
      const std::string key = path.empty() ? f.name() : path + '.' + f.name();
      const auto own = class_of(f, around);
      if (f.is_repeated() && f.message_type() != nullptr)
        entries(a, b, f, key, own);
      else if (f.is_repeated())
        add(key, conf::render_list(a, f), conf::render_list(b, f), own);
      else if (f.message_type() != nullptr)
        messages(a.GetReflection()->GetMessage(a, &f), b.GetReflection()->GetMessage(b, &f), key,
                 own);
      else
        add(key, conf::render(a, f), conf::render(b, f), own);
    }
  }

 private:
  void add(std::string key, std::string from, std::string to, proto::Reload r) {
    out.push_back({std::move(key), std::move(from), std::move(to), when_of(r)});
  }

  static std::vector<std::string> names(const Message& m, const FieldDescriptor& list) {
    const auto& r = *m.GetReflection();
    const auto* by = name_field(*list.message_type());
    std::vector<std::string> out;
    for (int i = 0; i < r.FieldSize(m, &list); ++i) {
      const auto& entry = r.GetRepeatedMessage(m, &list, i);
      auto name = by ? entry.GetReflection()->GetString(entry, by) : std::string();
      out.push_back(name.empty() ? std::to_string(i) : name);
    }
    return out;
  }

  void entries(const Message& a, const Message& b, const FieldDescriptor& f, const std::string& key,
               proto::Reload r) {
    const auto old_names = names(a, f), new_names = names(b, f);
    auto entry = [&](const Message& m, size_t i) -> const Message& {
      return m.GetReflection()->GetRepeatedMessage(m, &f, static_cast<int>(i));
    };
    std::vector<std::string> kept_before, kept_now;
    for (size_t i = 0; i < old_names.size(); ++i) {
      const auto it = std::find(new_names.begin(), new_names.end(), old_names[i]);
      if (it == new_names.end()) {
        add(key + '.' + old_names[i], conf::render_message(entry(a, i)), "", r);
        continue;
      }
      kept_before.push_back(old_names[i]);
      messages(entry(a, i), entry(b, static_cast<size_t>(it - new_names.begin())),
               key + '.' + old_names[i], r);
    }
    for (size_t i = 0; i < new_names.size(); ++i)
      if (std::find(old_names.begin(), old_names.end(), new_names[i]) == old_names.end())
        add(key + '.' + new_names[i], "", conf::render_message(entry(b, i)), r);
      else
        kept_now.push_back(new_names[i]);
    if (kept_before != kept_now) add(key, joined(kept_before), joined(kept_now), r);  // the order
  }

  static std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const auto& n : names) out += (out.empty() ? "" : ", ") + n;
    return out;
  }
};

void find_unclassified(const Descriptor& d, const std::string& path, proto::Reload around,
                       std::vector<std::string>& out) {
  for (int i = 0; i < d.field_count(); ++i) {
    const auto& f = *d.field(i);
    const std::string key = path.empty() ? f.name() : path + '.' + f.name();
    const auto own = class_of(f, around);
    if (f.message_type() != nullptr)
      find_unclassified(*f.message_type(), key, own, out);
    else if (own == proto::AS_SECTION)
      out.push_back(key);
  }
}

}  // namespace

changes compare(const proto::Config& from, const proto::Config& to) {
  comparison c;
  c.messages(from, to, "", proto::AS_SECTION);
  return std::move(c.out);
}

std::vector<std::string> unclassified_keys() {
  std::vector<std::string> out;
  find_unclassified(*proto::Config::descriptor(), "", proto::AS_SECTION, out);
  return out;
}

}  // namespace dunlin::operate
