// The tree into proto::Config by reflection: every fault of key, type, value and range is found
// here.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <map>
#include <string>
#include <vector>

#include "broker/config/node.hpp"
#include "broker/config/value.hpp"

namespace dunlin::configuration {

using origins = std::map<std::string, place>;  // "listeners.0.address" -> where it was set

void fill(const node& tree, google::protobuf::Message& into, origins& from, faults& wrong);

unit unit_of(const google::protobuf::FieldDescriptor& f);
// The enum's values as the file writes them, in order.
std::vector<std::string> words_of(const google::protobuf::EnumDescriptor& e);
std::vector<std::string> keys_of(const google::protobuf::Descriptor& d);
std::string lower(std::string_view s);

}  // namespace dunlin::configuration
