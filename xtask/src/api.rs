//! The public names of a crate: the items that are `pub` in its sources, for a lint forbids `pub` where other
//! crates cannot reach it.

use syn::{Attribute, Expr, ImplItem, Item, Lit, Meta, TraitItem, Visibility, spanned::Spanned};

/// The items of one file, a line each, in the order they stand in.
pub(crate) fn items(text: &str) -> Result<Vec<String>, String> {
    let file = syn::parse_file(text).map_err(|e| e.to_string())?;
    let mut found = Vec::new();
    file.items.iter().for_each(|item| add(item, &mut found));
    Ok(found)
}

/// The variants of the enum `name`, if the file has it, and the documentation of each.
pub(crate) fn variants(text: &str, name: &str) -> Result<Vec<(String, String)>, String> {
    let file = syn::parse_file(text).map_err(|e| e.to_string())?;
    let enums = file.items.iter().filter_map(|item| match item {
        Item::Enum(item) if item.ident == name => Some(&item.variants),
        _ => None,
    });
    let says =
        |attributes: &[Attribute]| attributes.iter().filter_map(documentation).collect::<Vec<_>>().join(" ");
    Ok(enums.flatten().map(|variant| (variant.ident.to_string(), says(&variant.attrs))).collect())
}

/// The line of a doc comment.
fn documentation(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

fn add(item: &Item, found: &mut Vec<String>) {
    let (vis, line) = match item {
        Item::Const(item) => (&item.vis, format!("const {}", item.ident)),
        Item::Static(item) => (&item.vis, format!("static {}", item.ident)),
        Item::Enum(item) => (&item.vis, format!("enum {}", item.ident)),
        Item::Struct(item) => (&item.vis, format!("struct {}", item.ident)),
        Item::Type(item) => (&item.vis, format!("type {}", item.ident)),
        Item::Fn(item) => (&item.vis, one_line(&item.sig)),
        Item::Trait(item) => {
            if is_public(&item.vis) {
                found.push(format!("trait {}", item.ident));
                found.extend(item.items.iter().filter_map(|inner| match inner {
                    TraitItem::Fn(method) => Some(format!("{}: {}", item.ident, one_line(&method.sig))),
                    _ => None,
                }));
            }
            return;
        }
        Item::Impl(item) if item.trait_.is_none() => {
            let of = one_line(&*item.self_ty);
            found.extend(item.items.iter().filter_map(|inner| match inner {
                ImplItem::Fn(method) if is_public(&method.vis) => {
                    Some(format!("{of}: {}", one_line(&method.sig)))
                }
                ImplItem::Const(constant) if is_public(&constant.vis) => {
                    Some(format!("{of}: const {}", constant.ident))
                }
                _ => None,
            }));
            return;
        }
        Item::Mod(item) => {
            if !item.attrs.iter().any(is_test) {
                item.content.iter().flat_map(|(_, items)| items).for_each(|item| add(item, found));
            }
            return;
        }
        // `bitflags!` makes types of what looks like one; `kind!` of the last word.
        Item::Macro(item) if item.ident.is_none() => {
            let text = item.mac.tokens.to_string();
            let words: Vec<&str> = text.split_ascii_whitespace().collect();
            let declared = words.windows(3).filter_map(|words| match words {
                ["pub", "struct", name] => Some(format!("struct {name}")),
                _ => None,
            });
            found.extend(declared);
            if item.mac.path.is_ident("kind") {
                found.extend(words.last().map(|name| format!("struct {name}")));
            }
            return;
        }
        _ => return,
    };
    if is_public(vis) {
        found.push(line);
    }
}

const fn is_public(vis: &Visibility) -> bool {
    matches!(vis, Visibility::Public(_))
}

fn is_test(attribute: &Attribute) -> bool {
    matches!(&attribute.meta, Meta::List(list) if list.path.is_ident("cfg") && list.tokens.to_string() == "test")
}

/// As it stands in the source, on one line.
fn one_line(node: &dyn Spanned) -> String {
    let text = node.span().source_text().unwrap_or_default();
    let line = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    line.replace("( ", "(").replace(", )", ")").replace("< ", "<").replace(", >", ">")
}

#[cfg(test)]
mod tests {
    use super::items;

    #[test]
    fn what_is_public_is_found_and_nothing_else() {
        let text = "//! A.\n\
            pub const A: u8 = 1;\nconst B: u8 = 2;\n\
            pub(crate) fn hidden() {}\n\
            pub fn shown<'a, const N: usize>(\n    one: &'a [u8],\n    two: u8,\n) -> Option<&'a u8> { None }\n\
            pub struct S { pub field: u8 }\nstruct P;\n\
            impl S {\n    pub const fn get(&self) -> u8 { self.field }\n    fn hide(&self) {}\n    pub const K: u8 = 3;\n}\n\
            impl Clone for S { fn clone(&self) -> Self { S { field: 0 } } }\n\
            pub trait T { fn method(&self); }\ntrait U { fn other(&self); }\n\
            bitflags! { /// D.\n pub struct F: u8 { const X = 1; } }\nkind! {\n    /// D.\n    ThingFd\n}\n\
            #[cfg(test)]\nmod tests { pub fn no() {} }\n";
        let want = [
            "const A",
            "fn shown<'a, const N: usize>(one: &'a [u8], two: u8) -> Option<&'a u8>",
            "struct S",
            "S: const fn get(&self) -> u8",
            "S: const K",
            "trait T",
            "T: fn method(&self)",
            "struct F",
            "struct ThingFd",
        ];
        assert_eq!(items(text).unwrap(), want);
        assert!(items("fn f( {").is_err());
    }
}
