// The services over a real socket: what strangers' clients send, how they behave, how they leave.
#include <grpcpp/generic/generic_stub.h>
#include <signal.h>
#include <sys/stat.h>

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <thread>

#include "common/types/hash.h"
#include "kiln/v1/goals.grpc.pb.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/service/daemon_fixture.h"

namespace kiln::service {
namespace {

using test::error_of;
using test::eventually;
using test::TempDirectory;
using testing::HasSubstr;

class DaemonTest : public testing::Test {
 protected:
  template <class Request, class Response>
  using Method = grpc::Status (v1::Digests::Stub::*)(grpc::ClientContext*, const Request&,
                                                     Response*);
  template <class Request, class Response>
  grpc::Status call(Method<Request, Response> method, Request request, Response& response) {
    *request.mutable_caller() = house_.caller();
    grpc::ClientContext context;
    return (house_.digests().*method)(&context, request, &response);
  }
  template <class Request, class Response>
  void refused(Method<Request, Response> method, Request request, const std::string& why) {
    Response response;
    expect_refusal(call(method, std::move(request), response), why);
  }
  static void expect_refusal(const grpc::Status& status, const std::string& why) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
    ASSERT_FALSE(status.error_details().empty()) << why;
    const Error error = error_of(status);
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(error.blame(), Blame::kUser);
    EXPECT_THAT(error.to_string(), HasSubstr(why));
  }

  // An execution whose client has not read anything yet.
  struct Execution {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::ExecuteEvent>> reader;
  };
  std::unique_ptr<Execution> execute(const v1::Process& process) {
    auto execution = std::make_unique<Execution>();
    v1::ExecuteRequest request;
    *request.mutable_caller() = house_.caller();
    *request.mutable_process() = process;
    execution->reader = house_.processes().Execute(&execution->context, request);
    return execution;
  }

  test::DaemonHouse house_;
};

TEST_F(DaemonTest, MalformedRequestsNameTheFieldAndCarryTheirDetails) {
  v1::MergeRequest merge;
  merge.add_digests()->set_hash("xyz");
  refused(&v1::Digests::Stub::Merge, merge, "in the field digests");
  refused(&v1::Digests::Stub::Subset, v1::SubsetRequest(), "in the field digest");
  v1::CreateRequest create;
  create.add_entries()->set_path("../up");
  refused(&v1::Digests::Stub::Create, create, "leaves the root");
  create.mutable_entries(0)->set_path("nothing");
  refused(&v1::Digests::Stub::Create, create, "neither what it contains");
  for (const std::string& target :
       {std::string(), std::string("a\0b", 3), std::string(4096, 't')}) {
    create.mutable_entries(0)->set_symlink_target(target);
    refused(&v1::Digests::Stub::Create, create, "'nothing' is a symlink to");
  }
  v1::PrefixRequest prefix;
  prefix.set_prefix("/abs");
  refused(&v1::Digests::Stub::AddPrefix, prefix, "as the prefix");
  v1::CaptureRequest capture;
  capture.mutable_globs()->add_globs("/abs/**");
  refused(&v1::Digests::Stub::Capture, capture, "/abs/**");

  const auto empty = execute({});
  expect_refusal(empty->reader->Finish(), "argv is empty");

  grpc::ClientContext context;
  v1::CaptureRequest relative;
  relative.mutable_caller()->set_workspace_root("here");
  v1::CaptureResponse response;
  expect_refusal(house_.digests().Capture(&context, relative, &response), "not an absolute path");
}

TEST_F(DaemonTest, AnErrorOfThousandsOfLinesReachesEveryClient) {
  v1::CreateRequest create;
  for (int i = 0; i < 2000; ++i) {
    auto& entry = *create.add_entries();
    entry.set_path("../ü/" + std::to_string(i));
    entry.set_content("x");
  }
  refused(&v1::Digests::Stub::Create, create, "leaves the root");
  v1::CaptureRequest capture;
  capture.mutable_globs()->add_globs("/" + std::string(100'000, 'a') + "\nb");
  refused(&v1::Digests::Stub::Capture, capture, "/aaa");
}

TEST_F(DaemonTest, ARefusalSaysThatNothingWasBegun) {
  house_.daemon().close(false);
  v1::CaptureResponse response;
  const auto status = call(&v1::Digests::Stub::Capture, v1::CaptureRequest(), response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(begun_of(status.error_details()), Begun::kNo);
  EXPECT_TRUE(house_.status().refusing()) << "it is answered to the end";
}

TEST_F(DaemonTest, UnknownValuesOfEnumsAreRefusedWhereverTheyAre) {
  v1::CaptureRequest capture;
  capture.mutable_globs()->add_globs("*");
  capture.mutable_globs()->set_conjunction(static_cast<v1::PathGlobs::Conjunction>(77));
  refused(&v1::Digests::Stub::Capture, capture, "unknown value 77 in the field conjunction");
  for (int i = 0; i < 3; ++i) {
    v1::ExecuteRequest request;
    *request.mutable_caller() = house_.caller();
    *request.mutable_process() = house_.script("true");
    if (i == 0) request.set_keep_sandboxes(static_cast<v1::KeepSandboxes>(77));
    if (i == 1) request.set_events(static_cast<v1::Event::Level>(77));
    if (i == 2) request.mutable_process()->set_sandbox(static_cast<v1::Process::Sandbox>(77));
    grpc::ClientContext context;
    expect_refusal(house_.processes().Execute(&context, request)->Finish(), "unknown value 77");
  }
}

TEST_F(DaemonTest, AnUnknownValueInABatchIsThatItemsError) {
  grpc::ClientContext context;
  const auto batch = house_.processes().ExecuteBatch(&context);
  for (uint64_t id : {1, 2}) {
    v1::ExecuteBatchRequest item;
    if (id == 1) *item.mutable_caller() = house_.caller();
    item.set_id(id);
    *item.mutable_process() = house_.script("true");
    if (id == 2) item.mutable_process()->set_cache_scope(static_cast<v1::Process::CacheScope>(77));
    ASSERT_TRUE(batch->Write(item));
  }
  batch->WritesDone();
  for (v1::ExecuteBatchResponse response; batch->Read(&response);) {
    EXPECT_EQ(response.has_error(), response.id() == 2) << response.error().message();
  }
  EXPECT_TRUE(batch->Finish().ok());
}

TEST_F(DaemonTest, OneItemOfABatchIsCancelledAndTheOthersGoOn) {
  const std::string gate = house_.workspace() + "/../gate";
  ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
  grpc::ClientContext context;
  const auto batch = house_.processes().ExecuteBatch(&context);
  for (uint64_t id : {1, 2, 3}) {
    v1::ExecuteBatchRequest item;
    if (id == 1) *item.mutable_caller() = house_.caller();
    item.set_id(id);
    *item.mutable_process() = house_.script(id == 2 ? "read line <" + gate + "; echo $line"
                                                    : "sleep 1000 # " + std::to_string(id));
    ASSERT_TRUE(batch->Write(item));
  }
  ASSERT_TRUE(eventually([&] { return house_.counter("process.running") > 0; }));
  for (uint64_t id : {3, 1, 7}) {
    v1::ExecuteBatchRequest cancel;
    cancel.set_id(id);
    cancel.set_cancel(true);
    ASSERT_TRUE(batch->Write(cancel)) << "an id of nothing is no error";
  }
  v1::ExecuteBatchResponse response;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(batch->Read(&response));
    EXPECT_NE(response.id(), 2u);
    EXPECT_EQ(response.error().code(), v1::CANCELLED) << response.DebugString();
  }
  std::ofstream(gate) << "through\n";
  ASSERT_TRUE(batch->Read(&response));
  EXPECT_EQ(response.id(), 2u);
  EXPECT_EQ(response.stdout(), "through\n");
  batch->WritesDone();
  EXPECT_TRUE(batch->Finish().ok());
}

TEST_F(DaemonTest, ARootMayBeALink) {
  house_.write("f", "x");
  std::filesystem::create_directory_symlink(house_.workspace(), house_.workspace() + "/../link");
  v1::CaptureRequest request;
  request.mutable_globs()->add_globs("f");
  v1::CaptureResponse expected;
  ASSERT_TRUE(call(&v1::Digests::Stub::Capture, request, expected).ok());
  const std::string link = house_.workspace() + "/../link";
  for (const std::string& root : {link, link + "/", link + "/.", house_.workspace() + "/."}) {
    request.mutable_caller()->set_workspace_root(root);
    grpc::ClientContext context;
    v1::CaptureResponse response;
    const auto status = house_.digests().Capture(&context, request, &response);
    EXPECT_TRUE(status.ok()) << root << status.error_message();
    EXPECT_EQ(response.digest().hash(), expected.digest().hash());
  }
  EXPECT_EQ(house_.status().workspace_count(), 1u);
}

TEST_F(DaemonTest, WarningsAreAFewAndACount) {
  for (int i = 0; i < 300; ++i) {
    house_.write("d/f", "");
    std::filesystem::create_symlink("/etc/hostname",
                                    house_.workspace() + "/d/out" + std::to_string(i));
  }
  v1::CaptureRequest request;
  request.mutable_globs()->add_globs("d/**");
  v1::CaptureResponse response;
  ASSERT_TRUE(call(&v1::Digests::Stub::Capture, request, response).ok());
  ASSERT_EQ(response.warnings_size(), 21);
  EXPECT_THAT(response.warnings(20), HasSubstr("and 280 more warnings"));
}

TEST_F(DaemonTest, ABlobIsReadByItsDigestWholeAndInPart) {
  std::string content;
  for (int i = 0; content.size() < 700'000; ++i) content += std::to_string(i) + "\n";
  house_.write("big", content);
  v1::CaptureRequest capture;
  capture.mutable_globs()->add_globs("big");
  v1::CaptureResponse captured;
  ASSERT_TRUE(call(&v1::Digests::Stub::Capture, capture, captured).ok());
  v1::ReadBlobRequest request;
  *request.mutable_caller() = house_.caller();
  const FileDigest digest = file_digest_of(content);
  request.mutable_file_digest()->set_hash(to_hex(digest.hash));
  request.mutable_file_digest()->set_size_bytes(digest.size);
  const auto read = [&](int64_t offset, int64_t limit) {
    request.set_offset(offset);
    request.set_limit(limit);
    grpc::ClientContext context;
    const auto reader = house_.digests().ReadBlob(&context, request);
    std::string bytes;
    for (v1::ReadBlobResponse part; reader->Read(&part);) bytes += part.data();
    const auto status = reader->Finish();
    return status.ok() ? bytes : "error " + std::to_string(status.error_code());
  };
  EXPECT_EQ(read(0, 0), content);
  EXPECT_EQ(read(300'000, 10), content.substr(300'000, 10));
  EXPECT_EQ(read(digest.size, 0), "");
  EXPECT_EQ(read(digest.size + 1, 0), "error 3");
  EXPECT_EQ(read(-1, 0), "error 3");
  request.mutable_file_digest()->set_hash(std::string(64, '0'));
  EXPECT_EQ(read(0, 0), "error 5");
}

TEST_F(DaemonTest, AClientOfAnotherVersionIsToldSo) {
  v1::CaptureRequest request;
  request.mutable_caller()->set_client_version("0.0.0-other");
  grpc::ClientContext context;
  v1::CaptureResponse response;
  const Error error = error_of(house_.digests().Capture(&context, request, &response));
  EXPECT_EQ(error.code(), ErrorCode::kVersionSkew);
}

// One message there, one back, as any gRPC tool would send it.
std::string raw_call(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                     const std::string& request) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  grpc::CompletionQueue done;
  const auto wait = [&] {
    void* tag = nullptr;
    bool ok = false;
    return done.Next(&tag, &ok) && ok;
  };
  auto call = stub.PrepareCall(&context, method, &done);
  call->StartCall(nullptr);
  if (!wait()) return "not started";
  grpc::Slice slice(request);
  call->WriteLast(grpc::ByteBuffer(&slice, 1), {}, nullptr);
  wait();
  grpc::ByteBuffer answer;
  call->Read(&answer, nullptr);
  const bool answered = wait();
  context.TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  wait();
  if (!answered) return "no answer: " + status.error_message();
  std::vector<grpc::Slice> slices;
  answer.Dump(&slices);
  std::string bytes;
  for (const grpc::Slice& part : slices)
    bytes.append(reinterpret_cast<const char*>(part.begin()), part.size());
  return bytes;
}

TEST_F(DaemonTest, HealthAndReflectionAnswer) {
  // HealthCheckResponse.status = SERVING
  EXPECT_EQ(raw_call(house_.channel(), "/grpc.health.v1.Health/Check", ""), "\x08\x01");
  // ServerReflectionRequest.list_services = "*"
  const std::string services =
      raw_call(house_.channel(), "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
               "\x3a\x01*");
  for (const char* name : {"kiln.v1.Digests", "kiln.v1.Processes", "kiln.v1.Daemon"}) {
    EXPECT_THAT(services, HasSubstr(name));
  }
  const std::string v1 = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
  const std::string listed = raw_call(house_.channel(), v1, "\x3a\x01*");
  for (const char* name : {"kiln.v1.Digests", "kiln.v1.Daemon", "grpc.health.v1.Health"}) {
    EXPECT_THAT(listed, HasSubstr(name));
    // ServerReflectionRequest.file_containing_symbol = name
    const std::string symbol(name);
    const std::string file = raw_call(
        house_.channel(), v1, "\x22" + std::string(1, static_cast<char>(symbol.size())) + symbol);
    EXPECT_THAT(file, HasSubstr(".proto")) << name;
    EXPECT_THAT(file, testing::Not(HasSubstr("there is no"))) << name;
  }
  EXPECT_THAT(raw_call(house_.channel(), v1, "\x22\x04none"), HasSubstr("there is no symbol none"));
}

TEST_F(DaemonTest, AClientThatGoesAwayTakesItsProcessWithIt) {
  const auto execution = execute(house_.script("echo $$; sleep 1000"));
  v1::ExecuteEvent event;
  std::string text;
  while (text.find('\n') == std::string::npos && execution->reader->Read(&event)) {
    text += event.output().data();
  }
  const pid_t pid = std::stoi(text);
  ASSERT_EQ(::kill(pid, 0), 0);
  execution->context.TryCancel();
  EXPECT_EQ(execution->reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(eventually([&] { return ::kill(pid, 0) != 0; }));
  EXPECT_TRUE(eventually([&] { return house_.daemon().runs_in_flight() == 0; }));
}

TEST_F(DaemonTest, ASlowReaderHoldsNobodyUpAndGetsEveryByte) {
  constexpr size_t kBytes = size_t{24} << 20;
  const std::string script =
      "head -c " + std::to_string(kBytes) + " /dev/zero | tr '\\0' k; echo end >&2";
  const auto slow = execute(house_.script(script));
  // It ends although nobody reads.
  ASSERT_TRUE(eventually(
      [&] { return house_.counter("process.ran") == 1 && house_.processes_running() == 0; }));
  size_t bytes = 0;
  std::string err;
  bool finished = false;
  v1::ExecuteEvent event;
  while (slow->reader->Read(&event)) {
    EXPECT_FALSE(finished) << "the result comes last";
    if (event.output().stream() == v1::ProcessOutput::STDOUT) {
      bytes += event.output().data().size();
      EXPECT_EQ(event.output().data().find_first_not_of('k'), std::string::npos);
    }
    if (event.output().stream() == v1::ProcessOutput::STDERR) err += event.output().data();
    finished = event.has_finished();
  }
  EXPECT_TRUE(slow->reader->Finish().ok());
  EXPECT_TRUE(finished);
  EXPECT_EQ(bytes, kBytes);
  EXPECT_EQ(err, "end\n");
}

TEST_F(DaemonTest, EventsComeIfTheyAreAskedForAndBeforeTheResult) {
  house_.write("in.txt", "in");
  v1::ExecuteRequest request;
  *request.mutable_caller() = house_.caller();
  *request.mutable_process() = house_.script("cat in.txt");
  request.mutable_process()->add_input_globs("in.txt");
  for (const auto level : {v1::Event::LEVEL_UNSPECIFIED, v1::Event::INFO, v1::Event::TRACE}) {
    request.mutable_process()->set_description(v1::Event::Level_Name(level));
    request.mutable_process()->mutable_argv(2)->append(" ");
    request.set_events(level);
    grpc::ClientContext context;
    const auto reader = house_.processes().Execute(&context, request);
    std::vector<v1::Event> told;
    bool finished = false;
    for (v1::ExecuteEvent event; reader->Read(&event);) {
      EXPECT_FALSE(finished);
      finished |= event.has_finished();
      if (event.has_progress()) told.push_back(event.progress());
    }
    EXPECT_TRUE(reader->Finish().ok());
    EXPECT_TRUE(finished);
    if (level == v1::Event::LEVEL_UNSPECIFIED) {
      EXPECT_TRUE(told.empty());
      continue;
    }
    ASSERT_GE(told.size(), 4u);
    EXPECT_EQ(told.front().name(), "exec");
    EXPECT_EQ(told.front().kind(), v1::Event::STARTED);
    EXPECT_EQ(told.back().name(), "exec");
    EXPECT_EQ(told.back().kind(), v1::Event::COMPLETED);
    EXPECT_EQ(told.size() == 4, level == v1::Event::INFO) << told.size();
  }
}

// Lists what ten thousand globs match, and tells of all that it does for that.
struct TracedListing {
  static constexpr size_t kGlobs = 30'000;

  explicit TracedListing(test::DaemonHouse& house) : goals(v1::Goals::NewStub(house.channel())) {
    v1::RunGoalsRequest request;
    *request.mutable_caller() = house.caller();
    request.add_goals("list");
    std::string letters = "abcdefgh";
    for (size_t i = 0; i < kGlobs; ++i) {
      request.add_specs("[" + letters + "]");
      std::next_permutation(letters.begin(), letters.end());
    }
    request.set_events(v1::Event::TRACE);
    reader = goals->Run(&context, request);
  }
  // To the end.
  void read() {
    for (v1::GoalEvent event; reader->Read(&event);) {
      output += event.output().stdout();
      finished |= event.has_finished();
      if (!event.has_progress()) continue;
      bytes += event.progress().ByteSizeLong();
      const bool is_drop = event.progress().kind() == v1::Event::DROPPED;
      is_drop ? dropped += event.progress().dropped() : ++told;
      // Every node says why it ran, or need not.
      const bool is_node = !is_drop && event.progress().parent() != 0 &&
                           event.progress().kind() != v1::Event::MESSAGE;
      EXPECT_EQ(is_node, !event.progress().reason().empty()) << event.progress().DebugString();
    }
    EXPECT_TRUE(reader->Finish().ok());
  }

  grpc::ClientContext context;
  const std::unique_ptr<v1::Goals::Stub> goals;
  std::unique_ptr<grpc::ClientReader<v1::GoalEvent>> reader;
  std::string output;
  bool finished = false;
  uint64_t told = 0;
  uint64_t dropped = 0;
  size_t bytes = 0;
};

TEST_F(DaemonTest, EventsThatNobodyReadsHoldNothingUpAndAreCountedWhenTheyAreDropped) {
  test::DaemonHouse read_at_once;
  for (const test::DaemonHouse* house : {&house_, &read_at_once}) house->write("f", "");
  TracedListing reference(read_at_once);
  reference.read();
  EXPECT_TRUE(reference.finished);
  const uint64_t runs = read_at_once.counter("memo.ran");
  EXPECT_GE(runs, TracedListing::kGlobs);

  TracedListing unread(house_);
  ASSERT_TRUE(eventually([&] { return house_.counter("memo.ran") == runs; })) << "nobody reads";
  TracedListing beside(house_);
  beside.read();
  EXPECT_EQ(beside.output, reference.output);
  EXPECT_EQ(house_.counter("memo.ran"), runs) << "it was there for others, too";
  EXPECT_LT(beside.told, 10u);

  unread.read();
  EXPECT_EQ(unread.output, reference.output);
  EXPECT_TRUE(unread.finished);
  EXPECT_GT(unread.dropped, 0u);
  // An event of the file that comes late has a few nodes looked at once more.
  EXPECT_NEAR(static_cast<double>(unread.told + unread.dropped),
              static_cast<double>(reference.told + reference.dropped), 5);
  EXPECT_LT(unread.bytes, size_t{12} << 20) << "8 MiB, and what is on its way";
}

TEST_F(DaemonTest, AForcedStopWaitsForNoClient) {
  // One reads nothing of what it asked for; one keeps a batch open; one an upload.
  const auto silent = execute(house_.script("head -c 8000000 /dev/zero"));
  ASSERT_TRUE(eventually([&] { return house_.counter("process.ran") == 1; }));
  grpc::ClientContext batch_context;
  const auto batch = house_.processes().ExecuteBatch(&batch_context);
  v1::ExecuteBatchRequest item;
  *item.mutable_caller() = house_.caller();
  *item.mutable_process() = house_.script("true");
  ASSERT_TRUE(batch->Write(item));
  v1::ExecuteBatchResponse result;
  ASSERT_TRUE(batch->Read(&result));
  grpc::ClientContext upload_context;
  v1::UploadResponse uploaded;
  const auto upload = house_.digests().Upload(&upload_context, &uploaded);
  v1::UploadRequest part;
  *part.mutable_caller() = house_.caller();
  part.set_data("part");
  ASSERT_TRUE(upload->Write(part));
  ASSERT_TRUE(eventually([&] { return house_.daemon().runs_in_flight() == 3; }));

  house_.stop();

  EXPECT_FALSE(batch->Read(&result));
  EXPECT_FALSE(batch->Finish().ok());
  EXPECT_FALSE(upload->Finish().ok());
  v1::ExecuteEvent event;
  while (silent->reader->Read(&event)) {
  }
  EXPECT_FALSE(silent->reader->Finish().ok());
}

TEST_F(DaemonTest, ABatchAnswersEveryItemOfAClientThatReadsLate) {
  constexpr int kItems = 1000;
  grpc::ClientContext context;
  const auto batch = house_.processes().ExecuteBatch(&context);
  std::thread writer([&] {
    for (int i = 0; i < kItems; ++i) {
      v1::ExecuteBatchRequest item;
      if (i == 0) *item.mutable_caller() = house_.caller();
      item.set_id(static_cast<uint64_t>(i));
      // Few processes, many answers of 60 kB: far more than the daemon may hold for a client.
      *item.mutable_process() =
          house_.script("head -c 60000 /dev/zero; exit " + std::to_string(i % 4));
      item.mutable_process()->set_cache_scope(v1::Process::ALWAYS);
      if (!batch->Write(item)) break;
    }
    batch->WritesDone();
  });
  // Until the daemon has as much as it takes.
  EXPECT_TRUE(eventually([&] { return house_.counter("process.memoized") >= 200; }));
  std::vector<int> answers(kItems);
  v1::ExecuteBatchResponse response;
  while (batch->Read(&response)) {
    ASSERT_LT(response.id(), static_cast<uint64_t>(kItems));
    ++answers[response.id()];
    EXPECT_EQ(response.result().exit_code(), static_cast<int>(response.id() % 4));
    EXPECT_EQ(response.stdout().size(), 60000u);
  }
  writer.join();
  EXPECT_TRUE(batch->Finish().ok());
  EXPECT_EQ(answers, std::vector<int>(kItems, 1));
  EXPECT_EQ(house_.counter("process.ran"), 4u);
}

// A write through another name of the file makes no event where the file was read.
TEST_F(DaemonTest, EachProcessOfABatchSeesTheFilesAsTheyAreWhenItIsSent) {
  house_.write("src/f", "old");
  const TempDirectory elsewhere;
  const std::string other = elsewhere.path("other-name");
  if (::link((house_.workspace() + "/src/f").c_str(), other.c_str()) != 0) {
    GTEST_SKIP() << "no hard links here";
  }
  grpc::ClientContext context;
  const auto batch = house_.processes().ExecuteBatch(&context);
  bool first = true;
  const auto ask = [&] {
    v1::ExecuteBatchRequest item;
    if (std::exchange(first, false)) *item.mutable_caller() = house_.caller();
    *item.mutable_process() = house_.script("cat src/f");
    item.mutable_process()->add_input_globs("src/f");
    v1::ExecuteBatchResponse response;
    if (!batch->Write(item) || !batch->Read(&response)) return std::string("no answer");
    return response.stdout();
  };
  EXPECT_EQ(ask(), "old");
  std::ofstream(other) << "new";
  EXPECT_EQ(ask(), "new");
  EXPECT_EQ(ask(), "new");
  batch->WritesDone();
  EXPECT_TRUE(batch->Finish().ok());
}

TEST_F(DaemonTest, OfARootThatIsNotThereNothingIsKept) {
  for (int i = 0; i < 30; ++i) {
    v1::CaptureRequest request;
    *request.mutable_caller() = house_.caller();
    request.mutable_caller()->set_workspace_root("/nowhere/" + std::to_string(i));
    request.mutable_globs()->add_globs("**");
    grpc::ClientContext context;
    v1::CaptureResponse response;
    const grpc::Status status = house_.digests().Capture(&context, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_THAT(error_of(status).message(), HasSubstr("cannot open the workspace /nowhere/"));
  }
  EXPECT_THAT(house_.workspaces(), testing::IsEmpty());
}

TEST_F(DaemonTest, AClientThatLeavesItsBatchLeavesNothingRunning) {
  grpc::ClientContext context;
  const auto batch = house_.processes().ExecuteBatch(&context);
  for (int i = 0; i < 20; ++i) {
    v1::ExecuteBatchRequest item;
    if (i == 0) *item.mutable_caller() = house_.caller();
    *item.mutable_process() = house_.script("sleep 1000; echo " + std::to_string(i));
    ASSERT_TRUE(batch->Write(item));
  }
  ASSERT_TRUE(eventually([&] { return house_.processes_running() > 0; }));
  context.TryCancel();
  EXPECT_FALSE(batch->Finish().ok());
  EXPECT_TRUE(eventually([&] { return house_.daemon().runs_in_flight() == 0; }));
  EXPECT_TRUE(eventually([&] { return house_.processes_running() == 0; }));
}

TEST_F(DaemonTest, TwoDaemonsLiveInOneProcess) {
  test::DaemonHouse other;
  other.write("f", "theirs");
  house_.write("f", "ours");
  v1::CaptureRequest request;
  request.mutable_globs()->add_globs("f");
  v1::CaptureResponse ours;
  ASSERT_TRUE(call(&v1::Digests::Stub::Capture, request, ours).ok());
  *request.mutable_caller() = other.caller();
  grpc::ClientContext context;
  v1::CaptureResponse theirs;
  ASSERT_TRUE(other.digests().Capture(&context, request, &theirs).ok());
  EXPECT_NE(ours.digest().hash(), theirs.digest().hash());
  EXPECT_EQ(other.counter("fs.files_hashed"), 1u);
  // What one stores the other does not have.
  v1::SubsetRequest subset;
  *subset.mutable_digest() = theirs.digest();
  subset.mutable_globs()->add_globs("**");
  v1::DigestResponse response;
  EXPECT_EQ(error_of(call(&v1::Digests::Stub::Subset, subset, response)).code(),
            ErrorCode::kNotFound);
}

// Read your writes, with everything moving: each thread writes and asks at once, and must be told
// of exactly what it wrote.
TEST_F(DaemonTest, EveryWriterSeesWhatItJustWrote) {
  constexpr int kWriters = 3;
  std::atomic<bool> stop = false;
  std::atomic<int> asked = 0;
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w) {
    threads.emplace_back([&, w] {
      std::mt19937 random(static_cast<unsigned>(w));
      // All in one directory, so that each one's changes are noise to the others.
      const std::string name = "file" + std::to_string(w);
      for (int i = 0; !stop; ++i) {
        const std::string content = std::to_string(random() % 1000) + "/" + std::to_string(i);
        const std::string path = house_.workspace() + "/shared/" + name;
        switch (random() % 3) {
          case 0:
            house_.write("shared/" + name, content);
            break;
          case 1:
            house_.write("shared/tmp" + name, content);
            std::filesystem::rename(house_.workspace() + "/shared/tmp" + name, path);
            break;
          case 2:
            std::filesystem::remove(path);
            house_.write("shared/" + name, content);
            break;
        }
        v1::CaptureRequest request;
        request.mutable_globs()->add_globs("shared/" + name);
        v1::CaptureResponse response;
        const auto status = call(&v1::Digests::Stub::Capture, request, response);
        ASSERT_TRUE(status.ok()) << status.error_message();
        const auto expected = store::Tree::make(
            {{"shared", store::Tree::make({{name, store::File{file_digest_of(content), false}}})}});
        ASSERT_EQ(response.digest().hash(), to_hex(expected->digest().hash))
            << "writer " << w << ", write " << i;
        ++asked;
      }
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; !stop; ++i) {
      const std::string name = "noise" + std::to_string(i % 7);
      house_.write("shared/" + name, std::to_string(i));
      std::filesystem::rename(house_.workspace() + "/shared/" + name,
                              house_.workspace() + "/shared/moved" + std::to_string(i % 3));
      house_.write("shared/dir" + std::to_string(i % 2) + "/f", "x");
      std::filesystem::remove_all(house_.workspace() + "/shared/dir" + std::to_string((i + 1) % 2));
    }
  });
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  EXPECT_TRUE(eventually([&] { return std::chrono::steady_clock::now() > until || HasFailure(); }));
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(asked, 10);
}

}  // namespace
}  // namespace kiln::service
