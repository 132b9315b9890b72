//! The modules of a crate, and the paths in their code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Item, ItemUse, Macro, Meta, UseTree, Visibility};

/// The names of the modules from the root of the crate on.
pub(crate) type Module = Vec<String>;

/// A use of one module's item by another module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) from: Module,
    pub(crate) to: Module,
    /// The path as it is written.
    pub(crate) written: String,
}

/// The modules of a crate; tests inside them are left out.
#[derive(Default)]
pub(crate) struct Sources {
    modules: BTreeMap<Module, Code>,
}

#[derive(Default)]
struct Code {
    uses: Vec<Use>,
    /// Paths outside of `use` items.
    paths: BTreeSet<Module>,
    /// Identifiers outside of `use` items.
    idents: BTreeSet<String>,
    /// Names of its own items.
    items: BTreeSet<String>,
}

struct Use {
    path: Module,
    /// The name that it brings in; none where it brings in all.
    name: Option<String>,
    is_exported: bool,
}

impl Sources {
    /// Reads the modules of the crate whose root is `lib.rs` of this directory.
    pub(crate) fn read(root: &Path) -> Self {
        let mut sources = Self::default();
        let mut left = vec![root.to_path_buf()];
        while let Some(directory) = left.pop() {
            for entry in std::fs::read_dir(&directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    left.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                    sources.add(name, &std::fs::read_to_string(&path).unwrap());
                }
            }
        }
        sources
    }

    /// Takes these files, named by their paths.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut sources = Self::default();
        for (name, text) in files {
            sources.add(name, text);
        }
        sources
    }

    fn add(&mut self, name: &str, text: &str) {
        let mut module: Module = name.strip_suffix(".rs").unwrap().split('/').map(str::to_owned).collect();
        if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
            module.pop();
        }
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        self.modules.entry(module.clone()).or_default();
        Reader { sources: self, module }.visit_file(&file);
    }

    fn code(&mut self, module: &Module) -> &mut Code {
        self.modules.entry(module.clone()).or_default()
    }

    /// Every use of one module by another.
    pub(crate) fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        for (module, code) in &self.modules {
            let used = code.uses.iter().filter(|used| !self.only_exports(module, code, used));
            for path in used.map(|used| &used.path).chain(&code.paths) {
                let to = self.absolute(module, path).map(|path| self.locate(&path, 0));
                if let Some(to) = to.filter(|to| to != module) {
                    found.push(Reference { from: module.clone(), to, written: path.join("::") });
                }
            }
        }
        found
    }

    /// True if a `use` only exports an item of a child under the parent's name.
    fn only_exports(&self, module: &Module, code: &Code, used: &Use) -> bool {
        let target = self.absolute(module, &used.path);
        used.is_exported
            && target.is_some_and(|target| target.starts_with(module))
            && used.name.as_ref().is_none_or(|name| !code.idents.contains(name))
    }

    /// The path from the root of the crate on; none for that of another crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        let below = |start: &[String], rest: &[String]| Some([start, rest].concat());
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => below(module, rest),
            "super" => {
                let parent = &module[..module.len().checked_sub(1)?];
                let starts_again = rest.first().is_some_and(|next| next == "super");
                if starts_again { self.absolute(&parent.to_vec(), rest) } else { below(parent, rest) }
            }
            _ if self.modules.contains_key(&[&module[..], &path[..1]].concat()) => below(module, path),
            _ => None,
        }
    }

    /// The module whose code has the item of a path: re-exports are followed.
    fn locate(&self, path: &[String], depth: usize) -> Module {
        assert!(depth < 100, "re-exports of {path:?} go round");
        let mut module = Module::new();
        for (place, name) in path.iter().enumerate() {
            let child = [&module[..], &path[place..=place]].concat();
            if self.modules.contains_key(&child) {
                module = child;
                continue;
            }
            let Some(code) = self.modules.get(&module) else { break };
            if code.items.contains(name) {
                break;
            }
            let exported = code.uses.iter().filter_map(|used| match &used.name {
                Some(known) => (known == name).then(|| used.path.clone()),
                None => {
                    self.has(module.as_slice(), used, name).then(|| [&used.path[..], &path[place..=place]].concat())
                }
            });
            let target = exported.into_iter().find_map(|path| self.absolute(&module, &path));
            return match target {
                Some(target) => self.locate(&[&target[..], &path[place + 1..]].concat(), depth + 1),
                None => module,
            };
        }
        module
    }

    /// True if the module of a glob import has an item of this name.
    fn has(&self, module: &[String], used: &Use, name: &str) -> bool {
        let target = self.absolute(&module.to_vec(), &used.path).and_then(|path| self.modules.get(&path));
        target.is_some_and(|code| {
            code.items.contains(name) || code.uses.iter().any(|used| used.name.as_deref() == Some(name))
        })
    }
}

struct Reader<'a> {
    sources: &'a mut Sources,
    module: Module,
}

impl Reader<'_> {
    fn code(&mut self) -> &mut Code {
        self.sources.code(&self.module)
    }

    fn add_uses(&mut self, tree: &UseTree, before: &[String], is_exported: bool) {
        let mut add = |path: Module, name| self.code().uses.push(Use { path, name, is_exported });
        let path = |ident: &Ident| if ident == "self" { before.to_vec() } else { with(before, ident) };
        match tree {
            UseTree::Path(tree) => self.add_uses(&tree.tree, &with(before, &tree.ident), is_exported),
            UseTree::Name(tree) => {
                let path = path(&tree.ident);
                let name = path.last().cloned();
                add(path, name);
            }
            UseTree::Rename(tree) => add(path(&tree.ident), Some(tree.rename.to_string())),
            UseTree::Glob(_) => add(before.to_vec(), None),
            UseTree::Group(tree) => tree.items.iter().for_each(|item| self.add_uses(item, before, is_exported)),
        }
    }

    /// A name alone may be that of a variable.
    fn add_path(&mut self, path: Module) {
        if path.len() > 1 {
            self.code().paths.insert(path);
        }
    }

    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path = Module::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) => {
                    self.code().idents.insert(ident.to_string());
                    if colons != 2 {
                        self.add_path(std::mem::take(&mut path));
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                token => {
                    self.add_path(std::mem::take(&mut path));
                    colons = 0;
                    if let TokenTree::Group(group) = token {
                        self.add_tokens(group.stream());
                    }
                }
            }
        }
        self.add_path(path);
    }
}

fn with(before: &[String], ident: &Ident) -> Module {
    before.iter().cloned().chain([ident.to_string()]).collect()
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let (name, attributes) = parts_of(item);
        if attributes.iter().any(is_for_tests) {
            return;
        }
        if let Some(name) = name.filter(|_| !matches!(item, Item::Mod(_))) {
            self.code().items.insert(name.to_string());
        }
        match item {
            Item::Mod(inner) => {
                let Some((_, items)) = &inner.content else { return };
                self.module.push(inner.ident.to_string());
                self.code();
                for item in items {
                    self.visit_item(item);
                }
                self.module.pop();
            }
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add_uses(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add_path(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_ident(&mut self, ident: &'ast Ident) {
        self.code().idents.insert(ident.to_string());
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        visit::visit_macro(self, called);
        self.add_tokens(called.tokens.clone());
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

fn is_for_tests(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    }
}

fn parts_of(item: &Item) -> (Option<&Ident>, &[Attribute]) {
    match item {
        Item::Const(item) => (Some(&item.ident), &item.attrs),
        Item::Enum(item) => (Some(&item.ident), &item.attrs),
        Item::Fn(item) => (Some(&item.sig.ident), &item.attrs),
        Item::Impl(item) => (None, &item.attrs),
        Item::Macro(item) => (item.ident.as_ref(), &item.attrs),
        Item::Mod(item) => (Some(&item.ident), &item.attrs),
        Item::Static(item) => (Some(&item.ident), &item.attrs),
        Item::Struct(item) => (Some(&item.ident), &item.attrs),
        Item::Trait(item) => (Some(&item.ident), &item.attrs),
        Item::Type(item) => (Some(&item.ident), &item.attrs),
        Item::Use(item) => (None, &item.attrs),
        _ => (None, &[]),
    }
}
