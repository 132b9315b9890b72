//! A journal on a disk that fails and loses power, beside a naive model of its promises, and on untrusted bytes.

mod bytes;
mod disk;
mod failures;
mod program;

use disk::{Disk, Loss};
use program::{Run, Step, steps};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_accepted_is_found_in_order_and_once_after_the_process_has_died(program in steps(), faults in disk::faults()) {
        let mut run = Run::start(Disk::failing(faults));
        for step in &program {
            run.step(step);
            run.check(&Loss::Process);
        }
    }

    #[test]
    fn what_was_synced_is_found_in_order_and_once_after_the_power_has_gone(
        program in steps(), faults in disk::faults(), kept in any::<u64>(),
    ) {
        let mut run = Run::start(Disk::failing(faults));
        for step in &program {
            run.step(step);
            run.check(&Loss::Power { kept: 0 });
            run.check(&Loss::Power { kept });
        }
    }

    #[test]
    fn a_journal_that_goes_on_after_a_crash_repeats_no_number(program in steps(), kept in any::<u64>(), more in steps()) {
        let mut run = Run::start(Disk::failing(vec![]));
        run.steps(&program);
        let mut again = run.reopen(&Loss::Power { kept });
        for step in &more {
            again.step(step);
            again.check(&Loss::Process);
            again.check(&Loss::Power { kept });
        }
    }

    #[test]
    fn a_disk_that_works_again_takes_all_that_was_accepted(program in steps(), faults in disk::faults()) {
        let mut run = Run::start(Disk::failing(faults));
        run.steps(&program);
        run.heal();
        run.step(&Step::Sync);
        prop_assert_eq!(run.journal.synced(), run.journal.offset());
        run.check(&Loss::Power { kept: 0 });
    }
}
