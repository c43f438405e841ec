// Debian's RocksDB is not built for ThreadSanitizer, which therefore does not see how its skip list
// and queues synchronize. Read by the sanitizer's runtime alone.
extern "C" const char* __tsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __tsan_default_suppressions() { return "race:rocksdb::*\n"; }
