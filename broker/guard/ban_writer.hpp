// Writes the file of bans on a thread of its own: whole, beside the old one, synced, then renamed
// over it. Requests that come while it writes share the next write.
//
//   ban_writer w("data/bans", [&] { return write_bans(list.all()); });
//   w.write([](absl::Status s) { answer(s); });   w.write_soon();
#pragma once

#include <absl/status/status.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace dunlin::guard {

class ban_writer {
 public:
  using done = std::function<void(absl::Status)>;

  ban_writer(std::string path, std::function<std::string()> text);
  ~ban_writer();  // after what was asked for is written

  void write(done d);  // at once; d runs on the writer's thread
  void write_soon();   // within a second

 private:
  void run();
  absl::Status write_now() const;

  const std::string path_;
  const std::function<std::string()> text_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<done> waiting_;
  bool dirty_ = false, ending_ = false;
  std::thread thread_;
};

// Replaces a file so that a crash leaves the old one or the new one, whole.
absl::Status replace_file(const std::string& path, const std::string& text);

}  // namespace dunlin::guard
