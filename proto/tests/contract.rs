//! The wire contract's own checks: everything is documented, names follow one style, and nothing that was released changes
//! its meaning.
//!
//! `baseline.bin` is the contract as last released. A new field or message is added to it with
//! `UPDATE_BASELINE=1 cargo test -p hattama-proto`; a change or removal of what is in it fails whatever is set.

use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    ServiceDescriptorProto,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
};

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/baseline.bin");

fn ours() -> Vec<FileDescriptorProto> {
    let set = FileDescriptorSet::decode(hattama_proto::DESCRIPTORS).unwrap();
    set.file.into_iter().filter(|file| file.package().starts_with("hattama.")).collect()
}

/// Everything that the contract promises, a line each: what it is, and what it must stay.
fn promises(files: &[FileDescriptorProto]) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    for file in files {
        for message in &file.message_type {
            message_promises(&format!("{}.{}", file.package(), message.name()), message, &mut lines);
        }
        for enumeration in &file.enum_type {
            enum_promises(&format!("{}.{}", file.package(), enumeration.name()), enumeration, &mut lines);
        }
        for service in &file.service {
            service_promises(&format!("{}.{}", file.package(), service.name()), service, &mut lines);
        }
    }
    lines
}

fn message_promises(path: &str, message: &DescriptorProto, lines: &mut BTreeMap<String, String>) {
    for field in &message.field {
        let oneof = field.oneof_index.map(|index| message.oneof_decl[index as usize].name().to_owned());
        let promise = format!(
            "{} {:?} {:?} {} {}",
            field.name(),
            field.label(),
            field.r#type(),
            field.type_name(),
            oneof.unwrap_or_default()
        );
        lines.insert(format!("field {path} = {}", field.number()), promise);
    }
    message.nested_type.iter().for_each(|nested| message_promises(&format!("{path}.{}", nested.name()), nested, lines));
    message.enum_type.iter().for_each(|nested| enum_promises(&format!("{path}.{}", nested.name()), nested, lines));
}

fn enum_promises(path: &str, enumeration: &EnumDescriptorProto, lines: &mut BTreeMap<String, String>) {
    for value in &enumeration.value {
        lines.insert(format!("value {path} = {}", value.number()), value.name().to_owned());
    }
}

fn service_promises(path: &str, service: &ServiceDescriptorProto, lines: &mut BTreeMap<String, String>) {
    for method in &service.method {
        let promise = format!(
            "{} {} -> {} {}",
            method.client_streaming(),
            method.input_type(),
            method.output_type(),
            method.server_streaming()
        );
        lines.insert(format!("rpc {path}.{}", method.name()), promise);
    }
}

#[test]
fn nothing_that_was_released_changes_its_meaning() {
    let now = ours();
    let released = fs::read(BASELINE)
        .map_or_else(|_| FileDescriptorSet::default(), |bytes| FileDescriptorSet::decode(bytes.as_slice()).unwrap());
    let (now_promises, released_promises) = (promises(&now), promises(&released.file));
    let broken: Vec<String> = released_promises
        .iter()
        .filter(|(what, promise)| now_promises.get(*what) != Some(*promise))
        .map(|(what, promise)| format!("{what}: was `{promise}`, is `{:?}`", now_promises.get(what)))
        .collect();
    assert!(broken.is_empty(), "a released contract changed; make a v2 instead:\n{}", broken.join("\n"));
    if env::var_os("UPDATE_BASELINE").is_some() {
        write_baseline(now);
        return;
    }
    let added: BTreeSet<_> = now_promises.keys().filter(|what| !released_promises.contains_key(*what)).collect();
    assert!(
        added.is_empty(),
        "not in the baseline yet (UPDATE_BASELINE=1 cargo test -p hattama-proto adds it): {added:?}"
    );
}

fn write_baseline(mut files: Vec<FileDescriptorProto>) {
    files.iter_mut().for_each(|file| file.source_code_info = None);
    fs::write(Path::new(BASELINE), FileDescriptorSet { file: files }.encode_to_vec()).unwrap();
}

#[test]
fn every_message_field_value_and_rpc_is_documented() {
    let mut undocumented = Vec::new();
    for file in ours() {
        let documented: BTreeSet<Vec<i32>> = file
            .source_code_info
            .iter()
            .flat_map(|info| &info.location)
            .filter(|location| !location.leading_comments().trim().is_empty())
            .map(|location| location.path.clone())
            .collect();
        let mut need = |path: Vec<i32>, name: String| {
            if !documented.contains(&path) {
                undocumented.push(format!("{}: {name}", file.name()));
            }
        };
        for (i, message) in (0..).zip(&file.message_type) {
            need_message(&[4, i], message, message.name(), &mut need);
        }
        for (i, enumeration) in (0..).zip(&file.enum_type) {
            need_enum(&[5, i], enumeration, &mut need);
        }
        for (i, service) in (0..).zip(&file.service) {
            need(vec![6, i], service.name().to_owned());
            for (j, method) in (0..).zip(&service.method) {
                need(vec![6, i, 2, j], format!("{}.{}", service.name(), method.name()));
            }
        }
    }
    assert!(undocumented.is_empty(), "no comment on:\n{}", undocumented.join("\n"));
}

fn need_message(path: &[i32], message: &DescriptorProto, name: &str, need: &mut impl FnMut(Vec<i32>, String)) {
    need(path.to_vec(), name.to_owned());
    for (i, field) in (0..).zip(&message.field) {
        need([path, &[2, i]].concat(), format!("{name}.{}", field.name()));
    }
    for (i, enumeration) in (0..).zip(&message.enum_type) {
        need_enum(&[path, &[4, i]].concat(), enumeration, need);
    }
    for (i, nested) in (0..).zip(&message.nested_type) {
        need_message(&[path, &[3, i]].concat(), nested, &format!("{name}.{}", nested.name()), need);
    }
}

fn need_enum(path: &[i32], enumeration: &EnumDescriptorProto, need: &mut impl FnMut(Vec<i32>, String)) {
    need(path.to_vec(), enumeration.name().to_owned());
    for (i, value) in (0..).zip(&enumeration.value) {
        need([path, &[2, i]].concat(), format!("{}.{}", enumeration.name(), value.name()));
    }
}

#[test]
fn names_follow_one_style() {
    let snake = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let check = |field: &FieldDescriptorProto| assert!(snake(field.name()), "{}", field.name());
    for file in ours() {
        assert!(file.package().ends_with(".v1"), "{}", file.package());
        assert_eq!(file.syntax(), "proto3");
        file.message_type.iter().flat_map(|message| &message.field).for_each(check);
        for enumeration in &file.enum_type {
            assert!(enumeration.value[0].name().ends_with("_UNSPECIFIED"), "{}", enumeration.name());
            assert_eq!(enumeration.value[0].number(), 0);
        }
        for method in file.service.iter().flat_map(|service| &service.method) {
            assert!(method.input_type().ends_with(&format!("{}Request", method.name())), "{}", method.name());
            assert!(method.output_type().ends_with(&format!("{}Response", method.name())), "{}", method.name());
        }
    }
}
