import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/ui/**/*.test.ts"],
    globalSetup: "test/ui/installed.ts",
    // A real editor in a real browser each: two at a time would measure each other.
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 90_000,
    reporters: ["verbose"],
  },
});
