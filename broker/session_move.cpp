// A session goes to another reactor with its connection, when the node uses more or fewer of them.
#include "broker/session.hpp"

namespace dunlin {

// Where it stands still, what stands still with it stays: an offline session goes where its client
// comes back; one whose publishers are held or whose rate has it wait goes when that is over.
net::reactor* session::place() {
  if (!conn_ || holding_ || (rate_ && rate_->held())) return nullptr;
  return directory_.reactors[directory_.placement.of_many(conn_->id(), home().index())];
}

void session::leave_home() {
  timer_.cancel();
  if (rate_) forget_rate(*rate_);
  if (lag_) lag_->leave();
  conn_->leave();
}

void session::arrive_home() {
  conn_->arrive(home());
  if (lag_) lag_->arrive();
  watch_keep_alive();
}

}  // namespace dunlin
