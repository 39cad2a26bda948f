#include "broker/metrics/topic_meters.hpp"

#include <bit>

#include "broker/metrics/text.hpp"
#include "broker/mqtt/topic.hpp"

namespace dunlin::metrics {

topic_meters::topic_meters(std::vector<std::string> filters) : filters_(std::move(filters)) {
  if (filters_.size() > filters_max) filters_.resize(filters_max);
}

uint64_t topic_meters::match(std::string_view topic) const {
  uint64_t mask = 0;
  for (size_t i = 0; i < filters_.size(); ++i)
    if (mqtt::matches(filters_[i], topic)) mask |= uint64_t{1} << i;
  return mask;
}

topic_meters::block& topic_meters::of(size_t reactor) {
  reactor %= reactors_max;
  block* b = blocks_[reactor].load(std::memory_order_relaxed);
  if (b) return *b;
  owned_[reactor] = std::make_unique<block>();
  blocks_[reactor].store(owned_[reactor].get(), std::memory_order_release);
  return *owned_[reactor];
}

void topic_meters::published(size_t reactor, uint64_t mask, size_t bytes, size_t copies) {
  block& b = of(reactor);
  for (; mask; mask &= mask - 1) {
    topic_meter& m = b[static_cast<size_t>(std::countr_zero(mask))];
    m.in.add();
    m.in_bytes.add(bytes);
    m.out.add(copies);
    m.out_bytes.add(copies * bytes);
  }
}

void topic_meters::dropped(size_t reactor, uint64_t mask, size_t copies) {
  block& b = of(reactor);
  for (; mask; mask &= mask - 1) b[static_cast<size_t>(std::countr_zero(mask))].dropped.add(copies);
}

std::vector<topic_meters::reading> topic_meters::read() const {
  std::vector<reading> out;
  for (const auto& f : filters_) out.push_back({f});
  for (const auto& p : blocks_) {
    const block* b = p.load(std::memory_order_acquire);
    if (!b) continue;
    for (size_t i = 0; i < out.size(); ++i) {
      out[i].in += (*b)[i].in.value();
      out[i].in_bytes += (*b)[i].in_bytes.value();
      out[i].out += (*b)[i].out.value();
      out[i].out_bytes += (*b)[i].out_bytes.value();
      out[i].dropped += (*b)[i].dropped.value();
    }
  }
  return out;
}

std::string render(const topic_meters& m) {
  text_writer w;
  const auto all = m.read();
  const auto each = [&](const char* name, const char* help, uint64_t topic_meters::reading::*in,
                        uint64_t topic_meters::reading::*out) {
    w.family(name, metric_type::counter, help);
    for (const auto& r : all) {
      const std::string filter(r.filter);
      w.sample({{"filter", filter}, {"direction", "in"}}, static_cast<int64_t>(r.*in));
      w.sample({{"filter", filter}, {"direction", "out"}}, static_cast<int64_t>(r.*out));
    }
  };
  using reading = topic_meters::reading;
  each("dunlin_topic_messages_total", "Messages of the topics of a filter of topics.metrics.",
       &reading::in, &reading::out);
  each("dunlin_topic_bytes_total", "Bytes of their payloads.", &reading::in_bytes,
       &reading::out_bytes);
  w.family("dunlin_topic_dropped_total", metric_type::counter, "Their copies that were dropped.");
  for (const auto& r : all)
    w.sample({{"filter", std::string(r.filter)}}, static_cast<int64_t>(r.dropped));
  return w.take();
}

}  // namespace dunlin::metrics
