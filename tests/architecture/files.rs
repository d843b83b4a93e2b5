//! The files of a crate, and which of them names something of which other.
//!
//! ```text
//! root file --mod--> files --use, paths--> names --re-exports followed--> edges between files
//! ```
//! Files that only tests have, and what only tests have in a file, are left out. A re-export is no dependency: who names
//! what is re-exported depends on the file where it is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Item, ItemMod, ItemUse, Macro, Token, UseTree, Visibility};

/// A module by its names from the root on; the root has none.
type Module = Vec<String>;

/// The files of one crate.
pub(crate) struct Files {
    files: BTreeMap<Module, File>,
}

#[derive(Default)]
struct File {
    /// What it names, from the root on.
    names: BTreeSet<Module>,
    /// What it passes on under a name of its own, and what that is.
    re_exports: BTreeMap<String, Module>,
}

impl Files {
    /// Those of the crate with this root file.
    pub(crate) fn of(root: &Path) -> Self {
        let mut files = Self { files: BTreeMap::new() };
        files.read(root, Module::new());
        files
    }

    /// A shortest way along the edges from a file back to itself, if there is any.
    pub(crate) fn circle(&self) -> Option<Vec<String>> {
        let circles = self.files.keys().filter_map(|start| self.way_back(start));
        circles.min_by_key(Vec::len).map(|way| way.into_iter().map(|module| shown(&module)).collect())
    }

    fn read(&mut self, path: &Path, module: Module) {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let items = syn::parse_file(&text).expect("it compiles").items;
        let children: Vec<&ItemMod> = items.iter().filter_map(child).collect();
        let mut reader = Reader::new(&module, children.iter().map(|child| child.ident.to_string()).collect());
        items.iter().for_each(|item| reader.visit_item(item));
        self.files.insert(module.clone(), reader.file);
        for child in children {
            let name = child.ident.to_string();
            self.read(&file_of(path, &name, &child.attrs, module.is_empty()), joined(&module, &name));
        }
    }

    /// The files that this one depends on.
    fn edges(&self, module: &Module) -> BTreeSet<&Module> {
        let names = self.files.get(module).into_iter().flat_map(|file| &file.names);
        names.filter_map(|name| self.file_with(name.clone())).filter(|file| *file != module).collect()
    }

    /// Where that which is named so is.
    fn file_with(&self, name: Module) -> Option<&Module> {
        let prefixes = (0..=name.len()).rev().filter_map(|len| name.split_at_checked(len));
        let (module, file, rest) = prefixes.into_iter().find_map(|(prefix, rest)| {
            self.files.get_key_value(prefix).map(|(module, file)| (module, file, rest))
        })?;
        let origin = rest.split_first().and_then(|(next, rest)| Some((file.re_exports.get(next)?, rest)));
        match origin {
            Some((origin, rest)) => self.file_with([origin.as_slice(), rest].concat()),
            None => Some(module),
        }
    }

    fn way_back(&self, start: &Module) -> Option<Vec<Module>> {
        let mut ways = VecDeque::from([vec![start.clone()]]);
        let mut seen = BTreeSet::new();
        while let Some(way) = ways.pop_front() {
            for next in self.edges(way.last()?) {
                let further = [way.as_slice(), std::slice::from_ref(next)].concat();
                if next == start {
                    return Some(further);
                }
                if seen.insert(next) {
                    ways.push_back(further);
                }
            }
        }
        None
    }
}

fn shown(module: &Module) -> String {
    if module.is_empty() { "the root".to_owned() } else { module.join("::") }
}

fn joined(module: &Module, name: &str) -> Module {
    [module.as_slice(), &[name.to_owned()]].concat()
}

/// A module with a file of its own that not only tests have.
fn child(item: &Item) -> Option<&ItemMod> {
    match item {
        Item::Mod(module) if module.content.is_none() && !is_of_tests(&module.attrs) => Some(module),
        _ => None,
    }
}

/// Where the file of a module is that this file declares.
fn file_of(parent: &Path, name: &str, attrs: &[Attribute], of_root: bool) -> PathBuf {
    let folder = parent.parent().expect("a folder");
    if let Some(path) = attrs.iter().find_map(path_of) {
        return folder.join(path);
    }
    let is_mod = parent.file_stem().is_some_and(|stem| stem == "mod");
    let below = if of_root || is_mod { folder.to_owned() } else { parent.with_extension("") };
    let [file, folder] = [below.join(name).with_extension("rs"), below.join(name).join("mod.rs")];
    if file.exists() { file } else { folder }
}

fn path_of(attribute: &Attribute) -> Option<String> {
    let value = &attribute.meta.require_name_value().ok().filter(|meta| meta.path.is_ident("path"))?.value;
    match value {
        Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

fn is_of_tests(attrs: &[Attribute]) -> bool {
    let is_test =
        |attribute: &Attribute| attribute.parse_args::<syn::Path>().is_ok_and(|arg| arg.is_ident("test"));
    attrs.iter().any(|attribute| attribute.path().is_ident("cfg") && is_test(attribute))
}

/// Collects what a file names.
struct Reader {
    file: File,
    /// The module that the reader is in, a module within the file included.
    within: Module,
    children: BTreeSet<String>,
}

impl Reader {
    fn new(module: &Module, children: BTreeSet<String>) -> Self {
        Self { file: File::default(), within: module.clone(), children }
    }

    /// From the root on, where the path is one of this crate.
    fn resolved(&self, path: &[String]) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([self.within.as_slice(), rest].concat()),
            "super" => {
                let ups = path.iter().take_while(|name| *name == "super").count();
                let kept = self.within.len().checked_sub(ups)?;
                Some([self.within.get(..kept)?, path.get(ups..)?].concat())
            }
            child if self.children.contains(child) => Some([self.within.as_slice(), path].concat()),
            _ => None,
        }
    }

    fn name(&mut self, path: &[String]) {
        self.file.names.extend(self.resolved(path));
    }

    fn used(&mut self, (name, path): (String, Module), passed_on: bool) {
        let own = |module: &Module| module.starts_with(&self.within) && module.len() > self.within.len();
        match self.resolved(&path) {
            Some(module) if passed_on && own(&module) => drop(self.file.re_exports.insert(name, module)),
            Some(module) => drop(self.file.names.insert(module)),
            None => {}
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let attrs = match item {
            Item::Mod(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_of_tests(attrs) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.within.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.within.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let passed_on = !matches!(item.vis, Visibility::Inherited);
        for used in leaves(&item.tree, &Module::new()) {
            self.used(used, passed_on);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Module = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if path.leading_colon.is_none() && names.len() > 1 {
            self.name(&names);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        self.visit_path(&called.path);
        // What is no list of expressions is a language of its own.
        if let Ok(args) = called.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated) {
            // They die with this call, and a reader keeps names alone.
            let mut reader = Reader {
                file: File::default(),
                within: self.within.clone(),
                children: self.children.clone(),
            };
            args.iter().for_each(|arg| reader.visit_expr(arg));
            self.file.names.append(&mut reader.file.names);
        }
    }
}

/// Each name that a use brings in, and what it is.
fn leaves(tree: &UseTree, before: &Module) -> Vec<(String, Module)> {
    match tree {
        UseTree::Path(path) => leaves(&path.tree, &joined(before, &path.ident.to_string())),
        UseTree::Group(group) => group.items.iter().flat_map(|tree| leaves(tree, before)).collect(),
        UseTree::Glob(_) => vec![("*".to_owned(), before.clone())],
        UseTree::Rename(rename) => leaf(before, &rename.ident.to_string(), rename.rename.to_string()),
        UseTree::Name(name) => leaf(before, &name.ident.to_string(), name.ident.to_string()),
    }
}

fn leaf(before: &Module, name: &str, known_as: String) -> Vec<(String, Module)> {
    let itself = name == "self";
    let known_as = if known_as == "self" { before.last().cloned().unwrap_or_default() } else { known_as };
    vec![(known_as, if itself { before.clone() } else { joined(before, name) })]
}
