//! Circles among the children of a module.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Module, Reference};

/// Stands for the module's own code, beside its children.
const OWN: &str = "(its own code)";

/// By node, the nodes that it uses, each with the path that does so.
type Graph = BTreeMap<String, BTreeMap<String, String>>;

/// The circles, one for each group of modules that use each other; then the exceptions that are none.
///
/// An exception is an edge, as in `bus: dispatch -> queue`, that is taken as cut.
pub(crate) fn circles(references: &[Reference], exceptions: &[&str]) -> Vec<String> {
    let (graphs, unused) = graphs(references, exceptions);
    let mut found = Vec::new();
    for (parent, graph) in &graphs {
        let mut done = BTreeSet::new();
        for node in graph.keys() {
            if let Some(circle) = circle_from(graph, node, &mut done) {
                found.push(describe(parent, graph, &circle));
            }
        }
    }
    found.extend(unused.into_iter().map(|exception| format!("no such edge: {exception}")));
    found
}

/// The graph of each module's children, and the exceptions that no edge has.
fn graphs<'a>(references: &[Reference], exceptions: &[&'a str]) -> (BTreeMap<String, Graph>, BTreeSet<&'a str>) {
    let mut graphs: BTreeMap<String, Graph> = BTreeMap::new();
    let mut unused: BTreeSet<&str> = exceptions.iter().copied().collect();
    for Reference { from, to, written } in references {
        let depth = from.iter().zip(to).take_while(|(one, other)| one == other).count();
        let parent = name(&from[..depth]);
        let (one, other) = (node(from, depth), node(to, depth));
        let edge = format!("{parent}: {one} -> {other}");
        if exceptions.contains(&edge.as_str()) {
            unused.remove(edge.as_str());
            continue;
        }
        let why = format!("{} uses {written}", name(from));
        graphs.entry(parent).or_default().entry(one).or_default().entry(other).or_insert(why);
    }
    (graphs, unused)
}

fn name(module: &[String]) -> String {
    if module.is_empty() { "crate".to_owned() } else { module.join("::") }
}

fn node(module: &Module, depth: usize) -> String {
    module.get(depth).cloned().unwrap_or_else(|| OWN.to_owned())
}

/// The nodes of a circle that can be reached; `done` are those from which none can.
fn circle_from(graph: &Graph, start: &str, done: &mut BTreeSet<String>) -> Option<Vec<String>> {
    let mut path = Vec::new();
    let found = walk(graph, start, &mut path, done);
    done.extend(path);
    found
}

fn walk(graph: &Graph, at: &str, path: &mut Vec<String>, done: &mut BTreeSet<String>) -> Option<Vec<String>> {
    if let Some(place) = path.iter().position(|node| node == at) {
        return Some(path[place..].to_vec());
    }
    if done.contains(at) {
        return None;
    }
    path.push(at.to_owned());
    for next in graph.get(at).into_iter().flat_map(BTreeMap::keys) {
        if let Some(circle) = walk(graph, next, path, done) {
            return Some(circle);
        }
    }
    path.pop();
    done.insert(at.to_owned());
    None
}

fn describe(parent: &str, graph: &Graph, circle: &[String]) -> String {
    let round = circle.iter().cycle().skip(1);
    let edges: Vec<&str> = circle.iter().zip(round).map(|(from, to)| graph[from][to].as_str()).collect();
    format!("in {parent}: {} -> {} ({})", circle.join(" -> "), circle[0], edges.join("; "))
}
