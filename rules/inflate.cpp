#include "rules/inflate.hpp"

#include <zlib.h>

#include <algorithm>

namespace dunlin::rules {

std::optional<std::string> inflate(std::string_view compressed, size_t bytes_max) {
  constexpr int either_header = 15 + 32;  // zlib's largest window; tells zlib and gzip apart itself
  z_stream z{};
  if (inflateInit2(&z, either_header) != Z_OK) return std::nullopt;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  z.avail_in = static_cast<uInt>(compressed.size());
  std::string out;
  int result = Z_OK;
  // One byte beyond the limit tells a body that ends there from one that goes on.
  while (result == Z_OK && out.size() <= bytes_max) {
    const size_t have = out.size();
    out.resize(std::min(std::max(have * 2, compressed.size() * 4 + 64), bytes_max + 1));
    z.next_out = reinterpret_cast<Bytef*>(out.data() + have);
    z.avail_out = static_cast<uInt>(out.size() - have);
    result = ::inflate(&z, Z_NO_FLUSH);
    out.resize(out.size() - z.avail_out);
  }
  const bool whole = result == Z_STREAM_END && z.avail_in == 0 && out.size() <= bytes_max;
  inflateEnd(&z);
  if (!whole) return std::nullopt;
  return out;
}

}  // namespace dunlin::rules
