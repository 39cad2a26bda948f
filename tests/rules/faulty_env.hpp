// RocksDB's view of a disk that a test fills up and frees.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <utility>

namespace dunlin::rules {

class faulty_env {
 public:
  faulty_env()
      : fs_(std::make_shared<faulty_fs>(rocksdb::FileSystem::Default())),
        env_(rocksdb::NewCompositeEnv(fs_)) {}
  rocksdb::Env* get() { return env_.get(); }
  void fill_disk() { fs_->full = true; }
  void free_disk() { fs_->full = false; }

 private:
  struct faulty_file : rocksdb::FSWritableFileOwnerWrapper {
    faulty_file(std::unique_ptr<rocksdb::FSWritableFile>&& f, const std::atomic<bool>& full)
        : FSWritableFileOwnerWrapper(std::move(f)), full_(full) {}
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& o,
                             rocksdb::IODebugContext* d) override {
      if (full_) return rocksdb::IOStatus::NoSpace("No space left on device");
      return FSWritableFileOwnerWrapper::Append(data, o, d);
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& o,
                             const rocksdb::DataVerificationInfo& v,
                             rocksdb::IODebugContext* d) override {
      if (full_) return rocksdb::IOStatus::NoSpace("No space left on device");
      return FSWritableFileOwnerWrapper::Append(data, o, v, d);
    }
    const std::atomic<bool>& full_;
  };
  struct faulty_fs : rocksdb::FileSystemWrapper {
    using FileSystemWrapper::FileSystemWrapper;
    const char* Name() const override { return "faulty"; }
    rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& o,
                                      std::unique_ptr<rocksdb::FSWritableFile>* out,
                                      rocksdb::IODebugContext* d) override {
      if (full) return rocksdb::IOStatus::NoSpace("No space left on device");
      std::unique_ptr<rocksdb::FSWritableFile> file;
      auto s = FileSystemWrapper::NewWritableFile(name, o, &file, d);
      if (s.ok()) *out = std::make_unique<faulty_file>(std::move(file), full);
      return s;
    }
    std::atomic<bool> full{false};
  };

  std::shared_ptr<faulty_fs> fs_;
  std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace dunlin::rules
