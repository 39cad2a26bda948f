// show-config: every key with its value and origin.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>

#include "broker/config.hpp"
#include "broker/config/render.hpp"

namespace dunlin {

namespace conf = configuration;

namespace {

using google::protobuf::Message;

// Calls f(path, value) for every key of the schema, set or not.
template <class F>
void walk(const Message& m, const std::string& path, const F& f) {
  const auto& r = *m.GetReflection();
  for (int i = 0; i < m.GetDescriptor()->field_count(); ++i) {
    const auto& field = *m.GetDescriptor()->field(i);
    const std::string key = path.empty() ? field.name() : path + '.' + field.name();
    if (!field.is_repeated() && field.message_type() != nullptr)
      walk(r.GetMessage(m, &field), key, f);
    else if (!field.is_repeated())
      f(key, conf::render(m, field));
    else
      for (int e = 0; e < r.FieldSize(m, &field); ++e) {
        const std::string entry = key + '.' + std::to_string(e);
        if (field.message_type() != nullptr)
          walk(r.GetRepeatedMessage(m, &field, e), entry, f);
        else
          f(entry, conf::quoted(r.GetRepeatedString(m, &field, e)));
      }
  }
}

std::string origin_of(const loaded_config& c, const std::string& key) {
  const auto it = c.origins.find(key);
  return it == c.origins.end() ? "default" : it->second;
}

}  // namespace

std::string show_config(const loaded_config& c) {
  std::string out;
  walk(c.values, "", [&](const std::string& key, const std::string& value) {
    std::string line = key + ": " + value;
    line.resize(std::max<size_t>(line.size() + 2, 52), ' ');
    out += line + "# " + origin_of(c, key) + '\n';
  });
  return out;
}

std::string show_config_json(const loaded_config& c) {
  std::string out;
  walk(c.values, "", [&](const std::string& key, const std::string& value) {
    out += (out.empty() ? "  " : ",\n  ") + conf::quoted(key) + ": {\"value\": " + value +
           ", \"origin\": " + conf::quoted(origin_of(c, key)) + '}';
  });
  return "{\n" + out + "\n}\n";
}

}  // namespace dunlin
