#include "daemon/service/digests_service.h"

#include "daemon/intrinsics/download_values.h"
#include "daemon/service/bounds.h"
#include "daemon/service/convert.h"
#include "daemon/service/upload_call.h"
#include "daemon/session/digest_operations.h"
#include "daemon/session/queries.h"
#include "daemon/store/tree_ops.h"
#include "daemon/store/tree_walk.h"

namespace kiln::service {

namespace {

using intrinsics::CapturedTree;
using intrinsics::DirectoryDigest;

// Messages of a stream stay far below gRPC's default limit of 4 MiB.
constexpr size_t kChunk = size_t{256} << 10;

Result<store::TreePtr> load(store::Store& store, const v1::Digest& wire, std::string_view what) {
  KILN_ASSIGN(const Digest digest, digest_from(wire, what));
  return session::load_named(store, digest);
}

Result<void> answer(store::Store& store, const store::TreePtr& tree, v1::DigestResponse& response) {
  KILN_TRY(store.trees().save(tree));
  set_digest(tree->digest(), *response.mutable_digest());
  return {};
}

Result<DirectoryDigest> tree_from(const v1::Digest& wire, std::string_view what) {
  KILN_ASSIGN(const Digest digest, digest_from(wire, what));
  return DirectoryDigest(digest);
}

// The tree that the rules make of `request`.
template <class Request>
Task<Result<void>> answer_with(const Host& host, const session::Run& run, Request request,
                               v1::DigestResponse& response) {
  KILN_CO_ASSIGN(const auto made,
                 co_await session::ask<DirectoryDigest>(host.engine, run, std::move(request)));
  co_return answer(host.engine.store, made.value->tree, response);
}

// `body` reads the store. If it fails for what the store has lost, whoever brought that is told to
// look again: the next who asks for it has it made again.
template <class Body>
auto noting_losses(const Host& host, Body body) {
  return [&host, body = std::move(body)](const session::Run& run,
                                         auto&... queue) -> Task<Result<void>> {
    const Result<void> done = co_await body(run, queue...);
    if (!done.ok()) (void)host.engine.files.look_for_lost(run.id(), done.error());
    co_return done;
  };
}

// AddPrefix and RemovePrefix.
template <class Move>
grpc::ServerUnaryReactor* move_tree(const Host& host, const v1::PrefixRequest& request,
                                    v1::DigestResponse& response) {
  return UnaryCall::start(
      host.home, host.begin(request),
      [&host, &request, &response](const session::Run& run) -> Task<Result<void>> {
        KILN_CO_ASSIGN(RelPath prefix,
                       RelPath::parse(request.prefix()).with_context("as the prefix"));
        KILN_CO_ASSIGN(DirectoryDigest digest, tree_from(request.digest(), "digest"));
        co_return co_await answer_with(host, run, Move{std::move(digest), std::move(prefix)},
                                       response);
      });
}

// Collects items into messages of about kChunk bytes and sends them at the client's pace.
template <class Response>
class Batches {
 public:
  explicit Batches(WriteQueue<Response>& queue) : queue_(queue) {}
  Response& current() { return current_; }
  void add_bytes(size_t bytes) { bytes_ += bytes; }
  bool full() const { return bytes_ >= kChunk; }
  // kCancelled when the client is gone.
  Task<Result<void>> flush() {
    bytes_ = 0;
    if (!co_await queue_.send(std::exchange(current_, Response()))) {
      co_return user_error(ErrorCode::kCancelled, "the client is gone");
    }
    co_return Result<void>();
  }

 private:
  WriteQueue<Response>& queue_;
  Response current_;
  size_t bytes_ = 0;
};

// What is to be read of a blob.
struct BlobPart {
  FileDigest digest;
  int64_t offset = 0;
  int64_t limit = 0;  // 0: none
};

Result<BlobPart> blob_part_from(const v1::ReadBlobRequest& wire) {
  KILN_ASSIGN(const FileDigest digest, file_digest_from(wire.file_digest(), "file_digest"));
  if (wire.offset() < 0 || wire.offset() > digest.size || wire.limit() < 0) {
    return user_error(ErrorCode::kInvalidArgument,
                      "a part from byte " + std::to_string(wire.offset()) + " and of " +
                          std::to_string(wire.limit()) + " bytes is none of a file of " +
                          std::to_string(digest.size) + " bytes");
  }
  return BlobPart{digest, wire.offset(), wire.limit()};
}

// Sends the bytes in the field `data` of messages.
template <class Response>
Task<Result<void>> send_blob(store::BlobStore& blobs, BlobPart part, WriteQueue<Response>& queue) {
  if (part.digest.empty()) co_return Result<void>();
  KILN_CO_ASSIGN(const auto reader, blobs.reader(part.digest));
  int64_t skip = part.offset;
  int64_t left = part.limit == 0 ? part.digest.size : part.limit;
  while (left > 0) {
    KILN_CO_ASSIGN(std::string bytes, reader->next(kChunk));
    if (bytes.empty()) co_return Result<void>();
    const auto skipped = std::min(skip, static_cast<int64_t>(bytes.size()));
    bytes.erase(0, static_cast<size_t>(skipped));
    skip -= skipped;
    if (bytes.empty()) continue;
    if (static_cast<int64_t>(bytes.size()) > left) bytes.resize(static_cast<size_t>(left));
    left -= static_cast<int64_t>(bytes.size());
    Response message;
    message.set_data(std::move(bytes));
    if (!co_await queue.send(std::move(message))) {
      co_return user_error(ErrorCode::kCancelled, "the client is gone");
    }
  }
  co_return Result<void>();
}

// One entry of a request to create a tree, into the form that rules have for it.
Result<void> add_entry(const v1::CreateRequest::Entry& wire, intrinsics::CreateDigest& create) {
  KILN_ASSIGN(RelPath path, RelPath::parse(wire.path()));
  switch (wire.kind_case()) {
    case v1::CreateRequest::Entry::kContent:
      create.contents.push_back({std::move(path), wire.content(), wire.is_executable()});
      return {};
    case v1::CreateRequest::Entry::kFileDigest: {
      KILN_ASSIGN(const FileDigest digest, file_digest_from(wire.file_digest(), "file_digest"));
      create.files.push_back({std::move(path), digest, wire.is_executable()});
      return {};
    }
    case v1::CreateRequest::Entry::kSymlinkTarget:
      create.symlinks.push_back({std::move(path), wire.symlink_target()});
      return {};
    case v1::CreateRequest::Entry::kDirectory:
      create.directories.push_back(std::move(path));
      return {};
    case v1::CreateRequest::Entry::KIND_NOT_SET:
      break;
  }
  return user_error(ErrorCode::kInvalidArgument, "the entry " + printable(path.str()) +
                                                     " says neither what it contains nor "
                                                     "where it points");
}

Result<store::TreePtr> created(const v1::CreateRequest& request, store::Store& store) {
  intrinsics::CreateDigest create;
  for (const auto& wire : request.entries()) KILN_TRY(add_entry(wire, create));
  return intrinsics::create_tree(store, create);
}

// Why nothing can be read at `path`, where `node` is no file or null.
Error no_file(const RelPath& path, const store::Node* node, const Digest& digest) {
  const std::string where = path.is_root() ? "the root" : printable(path.str());
  const std::string tree = " in " + to_string(digest);
  if (node == nullptr) return user_error(ErrorCode::kNotFound, "no file " + where + tree);
  const auto* link = std::get_if<store::Symlink>(node);
  const std::string what =
      link == nullptr ? "a directory" : "a symlink to " + printable(link->target);
  return user_error(ErrorCode::kNotFound, where + tree + " is " + what + ", not a file");
}

}  // namespace

DigestsService::Unary* DigestsService::Capture(Context*, const v1::CaptureRequest* request,
                                               v1::CaptureResponse* response) {
  return UnaryCall::start(host_.home, host_.begin(*request),
                          [this, request, response](const session::Run& run) -> Task<Result<void>> {
                            KILN_CO_ASSIGN(auto globs, globs_from(request->globs()));
                            KILN_CO_ASSIGN(auto captured, co_await session::capture(
                                                              host_.engine, run, std::move(globs)));
                            KILN_CO_TRY(host_.engine.store.trees().save(captured.tree));
                            set_digest(captured.tree->digest(), *response->mutable_digest());
                            add_warnings(captured.warnings, *response->mutable_warnings());
                            host_.set_clock(captured.clock, *response->mutable_clock());
                            co_return Result<void>();
                          });
}

DigestsService::Writes<v1::ListPathsResponse>* DigestsService::ListPaths(
    Context* context, const v1::ListPathsRequest* request) {
  return StreamCall<v1::ListPathsResponse>::start(
      host_.home, context, host_.begin(*request),
      [this, request](const session::Run& run,
                      WriteQueue<v1::ListPathsResponse>& queue) -> Task<Result<void>> {
        KILN_CO_ASSIGN(auto globs, globs_from(request->globs()));
        if (!request->globs().no_ignore()) globs.rules = intrinsics::IgnoreRulesFor::kAll;
        KILN_CO_ASSIGN(auto listed,
                       co_await session::list_paths(host_.engine, run, std::move(globs)));
        Batches<v1::ListPathsResponse> batches(queue);
        for (const auto& [path, directory] : listed.paths) {
          v1::ListPathsResponse::Path& wire = *batches.current().add_paths();
          wire.set_path(path);
          wire.set_is_directory(directory);
          batches.add_bytes(path.size() + 8);
          if (batches.full()) KILN_CO_TRY(co_await batches.flush());
        }
        add_warnings(listed.warnings, *batches.current().mutable_warnings());
        host_.set_clock(listed.clock, *batches.current().mutable_clock());
        co_return co_await batches.flush();
      });
}

grpc::ServerReadReactor<v1::UploadRequest>* DigestsService::Upload(Context* context,
                                                                   v1::UploadResponse* response) {
  return new UploadCall(host_, *context, *response);
}

DigestsService::Unary* DigestsService::Create(Context*, const v1::CreateRequest* request,
                                              v1::DigestResponse* response) {
  return UnaryCall::start(host_.home, host_.begin(*request),
                          [this, request, response](const session::Run&) -> Task<Result<void>> {
                            session::Engine& engine = host_.engine;
                            co_return co_await run_blocking(
                                engine.blocking, engine.home, [&]() -> Result<void> {
                                  KILN_ASSIGN(const auto tree, created(*request, engine.store));
                                  return answer(engine.store, tree, *response);
                                });
                          });
}

DigestsService::Writes<v1::ReadFileResponse>* DigestsService::ReadFile(
    Context* context, const v1::ReadFileRequest* request) {
  return StreamCall<v1::ReadFileResponse>::start(
      host_.home, context, host_.begin(*request),
      noting_losses(host_,
                    [this, request](const session::Run&,
                                    WriteQueue<v1::ReadFileResponse>& queue) -> Task<Result<void>> {
                      store::Store& store = host_.engine.store;
                      KILN_CO_ASSIGN(const RelPath path, RelPath::parse(request->path()));
                      KILN_CO_ASSIGN(const auto tree, load(store, request->digest(), "digest"));
                      const store::Node* node = tree->find(path);
                      const auto* file = node == nullptr ? nullptr : std::get_if<store::File>(node);
                      if (file == nullptr) co_return no_file(path, node, tree->digest());
                      co_return co_await send_blob(store.blobs(), {.digest = file->digest}, queue);
                    }));
}

DigestsService::Writes<v1::ReadBlobResponse>* DigestsService::ReadBlob(
    Context* context, const v1::ReadBlobRequest* request) {
  return StreamCall<v1::ReadBlobResponse>::start(
      host_.home, context, host_.begin(*request),
      noting_losses(host_,
                    [this, request](const session::Run&,
                                    WriteQueue<v1::ReadBlobResponse>& queue) -> Task<Result<void>> {
                      KILN_CO_ASSIGN(const BlobPart part, blob_part_from(*request));
                      co_return co_await send_blob(host_.engine.store.blobs(), part, queue);
                    }));
}

DigestsService::Writes<v1::ListEntriesResponse>* DigestsService::ListEntries(
    Context* context, const v1::ListEntriesRequest* request) {
  return StreamCall<v1::ListEntriesResponse>::start(
      host_.home, context, host_.begin(*request),
      noting_losses(
          host_,
          [this, request](const session::Run& run,
                          WriteQueue<v1::ListEntriesResponse>& queue) -> Task<Result<void>> {
            KILN_CO_ASSIGN(const auto tree, load(host_.engine.store, request->digest(), "digest"));
            Batches<v1::ListEntriesResponse> batches(queue);
            KILN_CO_ASSIGN(store::TreeWalk walk, store::TreeWalk::begin(tree, run.token()));
            for (;;) {
              KILN_CO_ASSIGN(const auto item, walk.next());
              if (!item) co_return co_await batches.flush();
              const auto* below = std::get_if<store::TreePtr>(item->node);
              const bool leaf = below == nullptr || (*below)->entries().empty();
              if (request->leaves_only() && !leaf) continue;
              v1::TreeEntry& entry = *batches.current().add_entries();
              set_entry(item->path, *item->node, entry);
              batches.add_bytes(entry.ByteSizeLong());
              if (batches.full()) KILN_CO_TRY(co_await batches.flush());
            }
          }));
}

DigestsService::Unary* DigestsService::Merge(Context*, const v1::MergeRequest* request,
                                             v1::DigestResponse* response) {
  return UnaryCall::start(host_.home, host_.begin(*request),
                          [this, request, response](const session::Run& run) -> Task<Result<void>> {
                            intrinsics::MergeDigests merge;
                            for (const v1::Digest& wire : request->digests()) {
                              KILN_CO_ASSIGN(DirectoryDigest digest, tree_from(wire, "digests"));
                              merge.digests.push_back(std::move(digest));
                            }
                            co_return co_await answer_with(host_, run, std::move(merge), *response);
                          });
}

DigestsService::Unary* DigestsService::Subset(Context*, const v1::SubsetRequest* request,
                                              v1::DigestResponse* response) {
  return UnaryCall::start(
      host_.home, host_.begin(*request),
      [this, request, response](const session::Run& run) -> Task<Result<void>> {
        KILN_CO_ASSIGN(DirectoryDigest digest, tree_from(request->digest(), "digest"));
        KILN_CO_ASSIGN(intrinsics::PathGlobs globs, globs_from(request->globs()));
        intrinsics::DigestSubset subset{std::move(digest), std::move(globs)};
        KILN_CO_ASSIGN(const auto part,
                       co_await session::ask<CapturedTree>(host_.engine, run, std::move(subset)));
        add_warnings(part.value->warnings, *response->mutable_warnings());
        co_return answer(host_.engine.store, part.value->digest.tree, *response);
      });
}

DigestsService::Unary* DigestsService::AddPrefix(Context*, const v1::PrefixRequest* request,
                                                 v1::DigestResponse* response) {
  return move_tree<intrinsics::AddPrefix>(host_, *request, *response);
}

DigestsService::Unary* DigestsService::RemovePrefix(Context*, const v1::PrefixRequest* request,
                                                    v1::DigestResponse* response) {
  return move_tree<intrinsics::RemovePrefix>(host_, *request, *response);
}

DigestsService::Unary* DigestsService::Download(Context*, const v1::DownloadRequest* request,
                                                v1::DigestResponse* response) {
  return UnaryCall::start(
      host_.home, host_.begin(*request),
      [this, request, response](const session::Run& run) -> Task<Result<void>> {
        KILN_CO_ASSIGN(const FileDigest expected,
                       file_digest_from(request->file_digest(), "file_digest"));
        KILN_CO_ASSIGN(const auto made,
                       co_await session::ask<DirectoryDigest>(
                           host_.engine, run, intrinsics::DownloadFile{request->url(), expected}));
        store::TreePtr tree = made.value->tree;
        if (request->is_executable()) {
          const std::string& name = tree->entries().front().name;
          tree = store::Tree::make({store::Entry{name, store::File{expected, true}}});
        }
        co_return answer(host_.engine.store, tree, *response);
      });
}

DigestsService::Writes<v1::DiffResponse>* DigestsService::Diff(Context* context,
                                                               const v1::DiffRequest* request) {
  return StreamCall<v1::DiffResponse>::start(
      host_.home, context, host_.begin(*request),
      noting_losses(
          host_,
          [this, request](const session::Run& run,
                          WriteQueue<v1::DiffResponse>& queue) -> Task<Result<void>> {
            KILN_CO_ASSIGN(const auto left, load(host_.engine.store, request->left(), "left"));
            KILN_CO_ASSIGN(const auto right, load(host_.engine.store, request->right(), "right"));
            Batches<v1::DiffResponse> batches(queue);
            store::DiffWalk walk(left, right, run.token());
            for (;;) {
              KILN_CO_ASSIGN(const auto change, walk.next());
              if (!change) co_return co_await batches.flush();
              v1::DiffResponse::Change& wire = *batches.current().add_changes();
              if (change->left) set_entry(change->path, *change->left, *wire.mutable_left());
              if (change->right) set_entry(change->path, *change->right, *wire.mutable_right());
              batches.add_bytes(wire.ByteSizeLong());
              if (batches.full()) KILN_CO_TRY(co_await batches.flush());
            }
          }));
}

DigestsService::Unary* DigestsService::Write(Context*, const v1::WriteRequest* request,
                                             v1::WriteResponse* response) {
  return UnaryCall::start(
      host_.home, host_.begin(*request),
      noting_losses(
          host_, [this, request, response](const session::Run& run) -> Task<Result<void>> {
            if (os::has_parent(request->path_prefix())) {
              co_return user_error(ErrorCode::kInvalidArgument,
                                   "the prefix '" + printable(request->path_prefix()) +
                                       "' has '..' in it; write the path that it leads to");
            }
            KILN_CO_ASSIGN(const RelPath prefix,
                           RelPath::parse(request->path_prefix()).with_context("as the prefix"));
            KILN_CO_ASSIGN(const auto tree, load(host_.engine.store, request->digest(), "digest"));
            KILN_CO_ASSIGN(const uint64_t written,
                           co_await session::write_tree(host_.engine, run, tree, prefix));
            response->set_written(written);
            host_.set_clock(host_.engine.files.watcher().synchronize(), *response->mutable_clock());
            co_return Result<void>();
          }));
}

}  // namespace kiln::service
