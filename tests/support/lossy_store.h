// LossyStore: a store that loses what a test tells it to lose, as damage and deletion do, and knows
// on whose threads it was read.
// Threads: thread-safe.
#pragma once

#include <pthread.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/sync.h"
#include "daemon/store/stores.h"

namespace kiln::test {

class LossyStore final : public store::Store {
 public:
  explicit LossyStore(std::unique_ptr<store::Store> inner)
      : inner_(std::move(inner)), blobs_(inner_->blobs()) {}

  // Until somebody puts it again.
  void lose(const FileDigest& digest) { blobs_.lose(digest); }
  // The content counts as stored until somebody reads it, which finds that it is lost.
  void damage(const FileDigest& digest) { blobs_.damage(digest); }

  // The names of the threads that read since the last call.
  std::set<std::string> take_readers() { return blobs_.take_readers(); }

  store::BlobStore& blobs() override { return blobs_; }
  store::BlobFiles& files() override { return inner_->files(); }
  store::TreeStore& trees() override { return inner_->trees(); }
  store::ActionCache& actions() override { return inner_->actions(); }
  store::StatCache& stats() override { return inner_->stats(); }

 private:
  class Blobs final : public store::BlobStore {
   public:
    explicit Blobs(store::BlobStore& inner) : inner_(inner) {}

    void lose(const FileDigest& digest) {
      lost_.with([&](auto& lost) { lost.push_back(digest); });
    }
    void damage(const FileDigest& digest) {
      damaged_.with([&](auto& damaged) { damaged.push_back(digest); });
    }
    void found(const FileDigest& digest) {
      lost_.with([&](auto& lost) { std::erase(lost, digest); });
    }

    std::set<std::string> take_readers() {
      return readers_.with([](auto& readers) { return std::exchange(readers, {}); });
    }

    Result<FileDigest> put(std::string_view content) override {
      KILN_ASSIGN(const FileDigest digest, inner_.put(content));
      found(digest);
      return digest;
    }
    Result<std::unique_ptr<store::BlobWriter>> writer() override {
      KILN_ASSIGN(auto writer, inner_.writer());
      return std::unique_ptr<store::BlobWriter>(new Writer(*this, std::move(writer)));
    }
    Result<std::string> get(const FileDigest& digest) override {
      note_reader();
      find_damage(digest);
      KILN_TRY(check(digest));
      return inner_.get(digest);
    }
    Result<std::unique_ptr<store::BlobReader>> reader(const FileDigest& digest) override {
      note_reader();
      find_damage(digest);
      KILN_TRY(check(digest));
      return inner_.reader(digest);
    }
    Result<std::vector<FileDigest>> find_missing(std::span<const FileDigest> digests) override {
      KILN_ASSIGN(std::vector<FileDigest> missing, inner_.find_missing(digests));
      for (const FileDigest& digest : digests) {
        if (!check(digest).ok()) missing.push_back(digest);
      }
      return missing;
    }

   private:
    class Writer final : public store::BlobWriter {
     public:
      Writer(Blobs& blobs, std::unique_ptr<store::BlobWriter> inner)
          : blobs_(blobs), inner_(std::move(inner)) {}
      Result<void> append(std::string_view bytes) override { return inner_->append(bytes); }
      Result<FileDigest> finish() override {
        KILN_ASSIGN(const FileDigest digest, inner_->finish());
        blobs_.found(digest);
        return digest;
      }

     private:
      Blobs& blobs_;
      const std::unique_ptr<store::BlobWriter> inner_;
    };

    void note_reader() {
      std::array<char, 16> name{};
      ::pthread_getname_np(::pthread_self(), name.data(), name.size());
      readers_.with([&](auto& readers) { readers.insert(name.data()); });
    }
    void find_damage(const FileDigest& digest) {
      const size_t found =
          damaged_.with([&](auto& damaged) { return std::erase(damaged, digest); });
      if (found > 0) lose(digest);
    }
    Result<void> check(const FileDigest& digest) {
      const bool lost = lost_.with(
          [&](const auto& all) { return std::find(all.begin(), all.end(), digest) != all.end(); });
      if (!lost) return {};
      return environment_error(ErrorCode::kNotFound, "the store lost " + to_string(digest));
    }

    store::BlobStore& inner_;
    Synchronized<std::vector<FileDigest>> lost_;
    Synchronized<std::vector<FileDigest>> damaged_;
    Synchronized<std::set<std::string>> readers_;
  };

  const std::unique_ptr<store::Store> inner_;
  Blobs blobs_;
};

}  // namespace kiln::test
