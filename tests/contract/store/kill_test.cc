// A process that writes is killed at random instants; the store it leaves must hold only what is
// true: every blob verifies, every tree and every action result that is there is complete.
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

#include "tests/contract/store/stores_under_test.h"
#include "tests/unit/store/trees.h"

namespace kiln::store {
namespace {

// Everything of action `n` of `life` follows from those two numbers.
std::string output_of(int life, int n) {
  const uint64_t seed = static_cast<uint64_t>(life) * 100'000 + n;
  return content_of(n % 4 == 0 ? 80'000 + n : 100 + n, seed);
}
std::string log_of(int life, int n) {
  return "log of " + std::to_string(life) + "/" + std::to_string(n);
}
TreePtr tree_of_action(int life, int n) {
  return tree({file("out/" + std::to_string(life) + "/f", output_of(life, n), n % 8 == 0),
               file("log", log_of(life, n))});
}
Digest action_of(int life, int n) {
  return directory_digest_of(std::to_string(life) + " " + std::to_string(n));
}

// Runs in the child, until it is killed.
[[noreturn]] void write_for_ever(const std::string& path, int life, int ready_fd) {
  RecordingLog log;
  auto store = open_rocks_store({.path = path}, log);
  if (!store.ok()) ::_exit(1);
  (void)!::write(ready_fd, "r", 1);
  for (int n = 0;; ++n) {
    const TreePtr outputs = tree_of_action(life, n);
    const auto put = (*store)->blobs().put(output_of(life, n));
    const auto logged = (*store)->blobs().put(log_of(life, n));
    if (!put.ok() || !logged.ok() || !(*store)->trees().save(outputs).ok()) ::_exit(2);
    const ActionResult result{.stdout_digest = *logged, .output_digest = outputs->digest()};
    if (!(*store)->actions().put(action_of(life, n), result).ok()) ::_exit(3);
  }
}

// How many actions of `life` survived; they are a prefix of what was written.
int check_life(Store& store, int life) {
  int survived = 0;
  for (;; ++survived) {
    const auto result = store.actions().get(action_of(life, survived));
    EXPECT_TRUE(result.ok());
    if (!result.ok() || !result->has_value()) break;
    const auto outputs = store.trees().load((*result)->output_digest);
    EXPECT_TRUE(outputs.ok()) << life << "/" << survived << ": " << outputs.error().to_string();
    if (!outputs.ok()) break;
    EXPECT_EQ((*outputs)->digest(), tree_of_action(life, survived)->digest());
    EXPECT_EQ(*store.blobs().get((*result)->stdout_digest), log_of(life, survived));
    const auto content = store.blobs().get(file_digest_of(output_of(life, survived)));
    EXPECT_TRUE(content.ok()) << life << "/" << survived << ": " << content.error().to_string();
    if (content.ok()) EXPECT_EQ(*content, output_of(life, survived));
  }
  return survived;
}

int kills() {
  const char* text = std::getenv("KILN_KILL_ROUNDS");
  return text == nullptr ? 15 : std::atoi(text);
}

TEST(Kill, AtAnyInstantLeavesNothingUntrue) {
  const TempDir dir;
  const std::string path = dir.path() + "/store";
  std::mt19937 random(std::random_device{}());
  int survived = 0;
  for (int life = 0; life < kills(); ++life) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) write_for_ever(path, life, ready[1]);
    ::close(ready[1]);
    char byte;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1) << "the child could not open the store";
    ::close(ready[0]);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 150'000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);

    RecordingLog log;
    auto store = open_rocks(path, log);
    ASSERT_NE(store, nullptr);
    survived += check_life(*store, life);
    if (life > 0) check_life(*store, life - 1);
    EXPECT_EQ(log.text(), "");
    EXPECT_TRUE(std::filesystem::is_empty(path + "/tmp"));
    if (testing::Test::HasFailure()) break;
  }
  EXPECT_GT(survived, kills()) << "too little was written to have tested anything";
}

}  // namespace
}  // namespace kiln::store
