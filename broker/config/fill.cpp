#include "broker/config/fill.hpp"

#include <algorithm>
#include <limits>

#include "base/utf8.hpp"
#include "proto/config.pb.h"

namespace dunlin::configuration {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool printable(std::string_view s) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  return utf8_valid(s) && std::none_of(s.begin(), s.end(), control);
}

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

class filler {
 public:
  filler(origins& from, faults& wrong) : from_(from), wrong_(wrong) {}

  void section(const node& n, Message& into, const std::string& path) {
    if (n.what == node::kind::null) return;  // "http:" with every key commented out
    if (n.what != node::kind::map) {
      wrong_.add(n.where, path, "must be a section of keys, not " + kind_of(n),
                 "write " + example(*into.GetDescriptor()));
      return;
    }
    for (const auto& [key, value] : n.members) {
      const auto* field = into.GetDescriptor()->FindFieldByName(key);
      const std::string below = path.empty() ? key : path + '.' + key;
      if (field == nullptr)
        unknown(value, key, below, *into.GetDescriptor());
      else if (field->is_repeated())
        list(value, into, *field, below);
      else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
        section(value, *into.GetReflection()->MutableMessage(&into, field), below);
      else
        single(value, into, *field, below);
    }
  }

 private:
  static std::string kind_of(const node& n) {
    switch (n.what) {
      case node::kind::list:
        return "a list";
      case node::kind::map:
        return "a section of keys";
      case node::kind::scalar:
        return "the single value " + quoted(n.text.substr(0, 80));
      case node::kind::null:
        break;
    }
    return "nothing";
  }
  static std::string example(const Descriptor& d) {
    return "{" + d.field(0)->name() + ": ...}, with keys of: " + join(keys_of(d), ", ");
  }

  void unknown(const node& value, const std::string& key, const std::string& path,
               const Descriptor& d) {
    const std::string meant = nearest(key, keys_of(d));
    wrong_.add(value.key_where, path, "there is no such key",
               meant.empty() ? "the keys here are: " + join(keys_of(d), ", ")
                             : "did you mean " + quoted(meant) + "?");
  }

  void list(const node& n, Message& into, const FieldDescriptor& f, const std::string& path) {
    if (n.what == node::kind::null) return;
    if (n.what != node::kind::list) {
      wrong_.add(n.where, path, "must be a list, not " + kind_of(n),
                 f.message_type()
                     ? "write each entry as - {" + f.message_type()->field(0)->name() + ": ...}"
                     : "write [a, b]");
      return;
    }
    size_t i = 0;
    for (const auto& [unused, entry] : n.members) {
      const std::string below = path + '.' + std::to_string(i++);
      if (f.message_type() != nullptr) {
        if (entry.what == node::kind::null)
          wrong_.add(n.where, below, "this entry is empty", "remove it");
        section(entry, *into.GetReflection()->AddMessage(&into, &f), below);
      } else if (scalar(entry, below)) {
        into.GetReflection()->AddString(&into, &f, entry.text);
        from_[below] = entry.where;
      }
    }
  }

  bool scalar(const node& n, const std::string& path) {
    if (n.what == node::kind::null) {
      wrong_.add(n.key_where, path, "has no value",
                 "give it one, or remove the key to have its default");
      return false;
    }
    if (n.what != node::kind::scalar) {
      wrong_.add(n.where, path, "must be a single value, not " + kind_of(n));
      return false;
    }
    return true;
  }

  void single(const node& n, Message& into, const FieldDescriptor& f, const std::string& path) {
    if (!scalar(n, path)) return;
    const auto& r = *into.GetReflection();
    bool good = false;
    switch (f.cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL:
        good = truth(n, into, f, path);
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        good = word(n, into, f, path);
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        good = text(n, path);
        if (good) r.SetString(&into, &f, n.text);
        break;
      default:
        good = number(n, into, f, path);
        break;
    }
    if (good) from_[path] = n.where;
  }

  bool text(const node& n, const std::string& path) {
    if (printable(n.text)) return true;
    wrong_.add(n.where, path, "has control characters or bytes that are not UTF-8");
    return false;
  }

  bool truth(const node& n, Message& into, const FieldDescriptor& f, const std::string& path) {
    if (n.text != "true" && n.text != "false") {
      wrong_.add(n.where, path, "must be true or false, not " + quoted(n.text));
      return false;
    }
    into.GetReflection()->SetBool(&into, &f, n.text == "true");
    return true;
  }

  bool word(const node& n, Message& into, const FieldDescriptor& f, const std::string& path) {
    const auto words = words_of(*f.enum_type());
    for (size_t i = 0; i < words.size(); ++i) {
      if (words[i] != n.text) continue;
      into.GetReflection()->SetEnum(&into, &f, f.enum_type()->value(static_cast<int>(i)));
      return true;
    }
    wrong_.add(n.where, path, quoted(n.text) + " is not one of its values",
               "it is one of: " + join(words, ", "));
    return false;
  }

  bool number(const node& n, Message& into, const FieldDescriptor& f, const std::string& path) {
    const auto value = parse_number(n.text, unit_of(f));
    if (!value) {
      wrong_.add(n.where, path, quoted(n.text) + " is not a number that fits here",
                 "write " + std::string(form_of(unit_of(f))));
      return false;
    }
    const bool narrow = f.cpp_type() == FieldDescriptor::CPPTYPE_UINT32;
    const uint64_t least = f.options().GetExtension(proto::min);
    uint64_t most =
        narrow ? std::numeric_limits<uint32_t>::max() : std::numeric_limits<uint64_t>::max();
    if (f.options().HasExtension(proto::max)) most = f.options().GetExtension(proto::max);
    if (*value < least || *value > most) {
      wrong_.add(
          n.where, path, quoted(n.text) + " is out of range",
          "it goes from " + std::to_string(least) + " to " + std::to_string(most) + measure(f));
      return false;
    }
    if (narrow)
      into.GetReflection()->SetUInt32(&into, &f, static_cast<uint32_t>(*value));
    else
      into.GetReflection()->SetUInt64(&into, &f, *value);
    return true;
  }

  static std::string measure(const FieldDescriptor& f) {
    switch (unit_of(f)) {
      case unit::bytes:
        return " bytes";
      case unit::milliseconds:
        return " ms";
      case unit::seconds:
        return " s";
      case unit::plain:
        break;
    }
    return "";
  }

  origins& from_;
  faults& wrong_;
};

}  // namespace

void fill(const node& tree, Message& into, origins& from, faults& wrong) {
  filler(from, wrong).section(tree, into, "");
}

unit unit_of(const FieldDescriptor& f) {
  switch (f.options().GetExtension(proto::unit)) {
    case proto::BYTES:
      return unit::bytes;
    case proto::MILLISECONDS:
      return unit::milliseconds;
    case proto::SECONDS:
      return unit::seconds;
    default:
      return unit::plain;
  }
}

std::string lower(std::string_view s) {
  std::string out(s);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::vector<std::string> words_of(const google::protobuf::EnumDescriptor& e) {
  std::vector<std::string> out;
  for (int i = 0; i < e.value_count(); ++i) out.push_back(lower(e.value(i)->name()));
  return out;
}

std::vector<std::string> keys_of(const Descriptor& d) {
  std::vector<std::string> out;
  for (int i = 0; i < d.field_count(); ++i) out.push_back(d.field(i)->name());
  return out;
}

}  // namespace dunlin::configuration
