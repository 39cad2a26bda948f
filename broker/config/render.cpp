#include "broker/config/render.hpp"

#include <cstdio>

#include "broker/config/fill.hpp"
#include "proto/config.pb.h"

namespace dunlin::configuration {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

namespace {

constexpr const char* hidden = "\"(hidden)\"";

std::string render_entry(const Message& m, const FieldDescriptor& f, int i) {
  const auto& r = *m.GetReflection();
  if (f.options().GetExtension(proto::secret)) return hidden;
  switch (f.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return render_message(r.GetRepeatedMessage(m, &f, i));
    case FieldDescriptor::CPPTYPE_BOOL:
      return r.GetRepeatedBool(m, &f, i) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(r.GetRepeatedUInt32(m, &f, i));
    case FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(r.GetRepeatedUInt64(m, &f, i));
    case FieldDescriptor::CPPTYPE_ENUM:
      return quoted(lower(r.GetRepeatedEnum(m, &f, i)->name()));
    default:
      return quoted(r.GetRepeatedString(m, &f, i));
  }
}

}  // namespace

std::string quoted(const std::string& s) {
  std::string out = "\"";
  for (const char c : s) {
    char code[8];
    if (c == '"' || c == '\\')
      out.append("\\").append(1, c);
    else if (static_cast<unsigned char>(c) < 0x20)
      out.append(code, static_cast<size_t>(std::snprintf(code, sizeof code, "\\u%04x", c)));
    else
      out += c;
  }
  return out + '"';
}

std::string render(const Message& m, const FieldDescriptor& f) {
  const auto& r = *m.GetReflection();
  if (f.options().GetExtension(proto::secret) && !r.GetString(m, &f).empty()) return hidden;
  switch (f.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return r.GetBool(m, &f) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(r.GetUInt32(m, &f));
    case FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(r.GetUInt64(m, &f));
    case FieldDescriptor::CPPTYPE_ENUM:
      return quoted(lower(r.GetEnum(m, &f)->name()));
    default:
      return quoted(r.GetString(m, &f));
  }
}

std::string render_list(const Message& m, const FieldDescriptor& f) {
  std::string out;
  for (int i = 0; i < m.GetReflection()->FieldSize(m, &f); ++i)
    out += (out.empty() ? "" : ", ") + render_entry(m, f, i);
  return '[' + out + ']';
}

std::string render_message(const Message& m) {
  std::string out;
  for (int i = 0; i < m.GetDescriptor()->field_count(); ++i) {
    const auto& f = *m.GetDescriptor()->field(i);
    const auto& r = *m.GetReflection();
    if (f.is_repeated() ? r.FieldSize(m, &f) == 0 : !r.HasField(m, &f)) continue;
    out += (out.empty() ? "" : ", ") + f.name() + ": ";
    if (f.is_repeated())
      out += render_list(m, f);
    else if (f.message_type() != nullptr)
      out += render_message(r.GetMessage(m, &f));
    else
      out += render(m, f);
  }
  return '{' + out + '}';
}

}  // namespace dunlin::configuration
