// Values of the configuration as text that YAML and JSON both take; secrets are hidden.
//
// Used by show-config and by what a reload answers.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <string>

namespace dunlin::configuration {

std::string quoted(const std::string& s);
// A field that is not repeated and not a message.
std::string render(const google::protobuf::Message& m, const google::protobuf::FieldDescriptor& f);
// A repeated one: [a, b].
std::string render_list(const google::protobuf::Message& m,
                        const google::protobuf::FieldDescriptor& f);
// The fields of a message that were set: {name: "tls", address: "..."}.
std::string render_message(const google::protobuf::Message& m);

}  // namespace dunlin::configuration
