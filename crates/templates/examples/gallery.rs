//! Writes every page in every state into a folder, light and dark, with the files they need:
//! `cargo run -p mishap-templates --example gallery FOLDER`, then serve the folder and look.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use mishap_templates::gallery::exhibits_of_all;
use mishap_templates::shell::Theme;
use mishap_templates::{Shell, Site, assets, mail, paths};

fn write(file: PathBuf, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, content)
}

fn write_assets(folder: &Path, site: &Site) -> io::Result<()> {
    for name in assets::names() {
        let url = site.url(&format!("{}{name}", paths::STATIC));
        if let Some(asset) = assets::asset(name) {
            write(folder.join(url.trim_start_matches('/')), asset.bytes)?;
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| io::Error::other("which folder?"))?;
    let mut index = String::from("<!DOCTYPE html><title>Gallery</title><h1>Gallery</h1><ul>");
    for exhibit in exhibits_of_all() {
        write_assets(&folder, &exhibit.shell.site)?;
        for theme in [Theme::Light, Theme::Dark] {
            let shell = Shell { theme, ..exhibit.shell.clone() };
            let path = format!("{}.{}.html", exhibit.name, theme.name());
            write(folder.join(&path), exhibit.render(&shell).as_bytes())?;
            index.push_str(&format!("<li><a href='{path}'>{path}</a>"));
        }
    }
    for (name, sender, mail) in mail::samples() {
        let path = format!("mail/{}.html", name.replace('/', "."));
        let rendered = mail.render(&sender);
        write(folder.join(&path), rendered.html.as_bytes())?;
        write(folder.join(&path).with_extension("txt"), rendered.text.as_bytes())?;
        index.push_str(&format!("<li><a href='{path}'>{path}</a>"));
    }
    write(folder.join("index.html"), index.as_bytes())
}
