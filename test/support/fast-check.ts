import fc from "fast-check";

/**
 * fast-check for every test here. The cases are the same in each run, so that a red run is the change's doing.
 * `BULKHEAD_TEST_SEED=$RANDOM npx jest test/unit` looks for new ones; what it finds becomes a test of its own.
 */
fc.configureGlobal({ seed: Number(process.env.BULKHEAD_TEST_SEED ?? 20_261_121) });

export default fc;
