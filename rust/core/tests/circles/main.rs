//! No circles among modules: the children of each, and its own code, can be put in an order in which each uses only those
//! before it.

mod graph;
mod source;

use std::path::Path;

use graph::circles;
use source::Sources;

/// Edges of the seam that are still to be cut, such as `bus: dispatch -> queue`.
const KNOWN_IN_THE_SEAM: &[&str] = &[];

fn circles_in(directory: &str, exceptions: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    circles(&Sources::read(&root).references(), exceptions).join("\n")
}

fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    circles(&Sources::of(files).references(), &[])
}

#[test]
fn modules_of_the_core_use_each_other_without_a_circle() {
    assert_eq!(circles_in("src", &[]), "");
}

#[test]
fn modules_of_the_seam_use_each_other_without_a_circle() {
    assert_eq!(circles_in("../py/src", KNOWN_IN_THE_SEAM), "");
}

#[test]
fn a_circle_of_use_lines_is_found() {
    let files = [
        ("lib.rs", "mod one; mod two; mod three;"),
        ("one.rs", "use crate::two::{self, Two}; pub struct One(Two);"),
        ("two.rs", "use crate::three::Three; pub struct Two(Three);"),
        ("three.rs", "use super::one::One; pub struct Three(Box<One>);"),
    ];
    let found = circles_of(&files);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("in crate: one -> two -> three -> one ("), "{found:?}");
    assert!(found[0].contains("three uses super::one::One"), "{found:?}");
}

#[test]
fn a_circle_of_paths_in_code_and_in_macros_is_found() {
    let files = [
        ("one.rs", "pub fn one() -> u8 { crate::two::two() }"),
        ("two.rs", "pub fn two() -> u8 { assert_eq!(super::one::one(), 1); 2 }"),
    ];
    assert_eq!(circles_of(&files).len(), 1);
}

#[test]
fn a_circle_between_folders_is_found_through_their_children_and_re_exports() {
    let files = [
        ("bus/mod.rs", "mod offer; pub use offer::Offer;"),
        ("bus/offer.rs", "use crate::queue::Queue; pub struct Offer(Queue);"),
        ("queue/mod.rs", "mod bounded; pub use bounded::Queue;"),
        ("queue/bounded.rs", "use crate::bus::Offer; pub struct Queue(Offer);"),
    ];
    let found = circles_of(&files);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("in crate: bus -> queue -> bus"), "{found:?}");
}

#[test]
fn a_circle_deep_in_the_tree_is_found_through_what_the_parent_re_exports() {
    let files = [
        ("bus/mod.rs", "mod one; mod two; pub use one::One; pub use two::Two;"),
        ("bus/one.rs", "use super::Two; pub struct One(Two);"),
        ("bus/two.rs", "use super::*; pub struct Two(Box<One>);\nuse super::One;"),
    ];
    let found = circles_of(&files);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("in bus: one -> two -> one"), "{found:?}");
}

#[test]
fn a_circle_between_a_module_and_its_child_is_found() {
    let files = [
        ("queue/mod.rs", "mod preload; use preload::Preload; pub struct Queue(Preload);"),
        ("queue/preload.rs", "use super::Queue; pub struct Preload; impl Queue {}"),
    ];
    assert_eq!(circles_of(&files).len(), 1);
}

#[test]
fn re_exports_and_tests_make_no_circle() {
    let files = [
        ("lib.rs", "pub mod bus; pub use bus as admission;"),
        ("bus/mod.rs", "mod one; mod two; pub use one::One; pub use two::{self, Two};"),
        ("bus/one.rs", "use super::Two; pub struct One(Two);"),
        (
            "bus/two.rs",
            "pub struct Two; #[cfg(test)] mod tests { use super::super::One; }\n#[cfg(test)] use super::One;",
        ),
        ("bus/three.rs", "pub(in crate::bus) fn three() { let one = std::mem::take::<u8>(&mut 1); drop(one); }"),
    ];
    assert_eq!(circles_of(&files), Vec::<String>::new());
}

#[test]
fn an_exception_cuts_its_edge_and_is_told_of_when_there_is_no_such_edge() {
    let files = [
        ("one.rs", "use crate::two::Two; pub struct One(Two);"),
        ("two.rs", "use crate::one::One; pub struct Two(Box<One>);"),
    ];
    let references = Sources::of(&files).references();
    assert_eq!(circles(&references, &["crate: two -> one"]), Vec::<String>::new());
    assert_eq!(
        circles(&references, &["crate: two -> one", "crate: two -> three"]),
        ["no such edge: crate: two -> three"]
    );
}
