// Writes the Prometheus text format 0.0.4: HELP and TYPE once for each name, then its samples.
//
//   text_writer w;
//   w.family("dunlin_connections", metric_type::gauge, "Connections open now.");
//   w.sample({{"reactor", "0"}}, 12);
//   w.take()
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::metrics {

enum class metric_type { counter, gauge };
using label = std::pair<std::string_view, std::string_view>;
using labels = std::vector<label>;

class text_writer {
 public:
  void family(std::string_view name, metric_type type, std::string_view help);
  void sample(const labels& l, double value);  // of the last family
  void sample(const labels& l, int64_t value);
  std::string take() { return std::move(out_); }

 private:
  void start(const labels& l);
  std::string name_, out_;
};

}  // namespace dunlin::metrics
