// Any text as a configuration; what follows a NUL byte are --set values, one a line. It is accepted
// or it is refused with a place and a reason; what is accepted can be shown and taken.
//   bazel build --config=fuzz //tests/fuzz:config_fuzz
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/config.hpp"
#include "broker/config_settings.hpp"
#include "tests/fuzz/require.hpp"

namespace dunlin {
namespace {

using fuzz::require;

config_source source_of(std::string_view settings) {
  config_source from{.file = "fuzz.yaml"};
  while (!settings.empty()) {
    const size_t end = settings.find('\n');
    if (end != 0) from.settings.emplace_back(settings.substr(0, end));
    if (end == std::string_view::npos) break;
    settings.remove_prefix(end + 1);
  }
  return from;
}

void check(std::string_view text, std::string_view settings) {
  const auto loaded = parse_config(std::string(text), source_of(settings));
  if (!loaded.ok()) {
    require(!loaded.status().message().empty(), "a refusal without a reason");
    return;
  }
  const options limits = to_settings(loaded->values).limits;
  require(limits.qos_max <= 2, "a QoS that does not exist");
  require(limits.packet_bytes_max >= 128 && limits.packet_bytes_max <= 268'435'460, "packet size");
  for (const auto& l : loaded->values.listeners())
    require(!l.name().empty(), "a listener without a name");
  require(!show_config(*loaded).empty() && !show_config_json(*loaded).empty(), "nothing to show");
}

}  // namespace
}  // namespace dunlin

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t end = text.find('\0');
  dunlin::check(text.substr(0, end),
                end == std::string_view::npos ? std::string_view() : text.substr(end + 1));
  return 0;
}
