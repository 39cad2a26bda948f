#include "broker/config_queues.hpp"

namespace dunlin {

bool uses_rocketmq(const config& c) { return !c.rocketmq().endpoint().empty(); }

rules::rocketmq_options to_rocketmq(const config& c) {
  rules::rocketmq_options o;
  o.endpoint = c.rocketmq().endpoint();
  o.access_key = c.rocketmq().access_key();
  o.secret_key = c.rocketmq().secret_key();
  o.batch_full = c.rocketmq().batch() == proto::Rocketmq::FULL;
  o.request_timeout = std::chrono::milliseconds(c.rocketmq().request_timeout_ms());
  return o;
}

rules::embedded_queue_options to_embedded_queue(const config& c) {
  rules::embedded_queue_options o;
  o.path = c.node().data_dir() + "/queue";
  o.messages_max = c.embedded_queue().messages_max();
  o.bytes_max = c.embedded_queue().bytes_max();
  o.retention =
      std::chrono::ceil<std::chrono::hours>(std::chrono::seconds(c.embedded_queue().retention_s()));
  o.unacked_max = c.embedded_queue().unacked_max();
  using sync = enum rules::embedded_queue_options::sync;  // the member of that name hides it
  o.sync = c.store().sync() == proto::Store::NEVER      ? sync::never
           : c.store().sync() == proto::Store::INTERVAL ? sync::interval
                                                        : sync::always;
  return o;
}

}  // namespace dunlin
