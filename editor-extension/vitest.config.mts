import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/unit/**/*.test.ts"],
    // The tests start the real server; a cold Python start on a busy machine takes its time.
    testTimeout: 30_000,
  },
});
