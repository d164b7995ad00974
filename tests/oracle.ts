export * from "../src/kernels/oracle.ts";
