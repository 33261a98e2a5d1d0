// Which types of guests an ELF kernel is for: what Xen looks for in it.
#include "summond/service/kernel_fault.hpp"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <optional>
#include <vector>

namespace summond::service {

namespace {

// xen/elfnote.h
constexpr std::uint32_t note_entry = 1;          // XEN_ELFNOTE_ENTRY, of PV
constexpr std::uint32_t note_loader = 8;         // XEN_ELFNOTE_LOADER
constexpr std::uint32_t note_phys32_entry = 18;  // XEN_ELFNOTE_PHYS32_ENTRY, of PVH
constexpr std::uint64_t max_notes = 1 << 16;     // octets; kernels have a few hundred

struct Entries {
    bool pv = false;
    bool pvh = false;
};

template <typename T>
std::optional<T> read_at(std::ifstream& file, std::uint64_t offset) {
    T value;
    if (!file.seekg(static_cast<std::streamoff>(offset)) ||
        !file.read(reinterpret_cast<char*>(&value), sizeof value))
        return std::nullopt;
    return value;
}

// Notes are a header, a name and a content, each of them filled up to 4 octets.
void look_at_notes(const std::vector<char>& notes, Entries& entries) {
    const auto filled_up = [](std::uint64_t size) { return (size + 3) & ~std::uint64_t{3}; };
    std::uint64_t at = 0;
    while (at + sizeof(Elf32_Nhdr) <= notes.size()) {
        Elf32_Nhdr note;
        std::memcpy(&note, &notes[at], sizeof note);
        const std::uint64_t name = at + sizeof note;
        at = name + filled_up(note.n_namesz) + filled_up(note.n_descsz);
        if (at > notes.size())
            return;
        if (note.n_namesz != 4 || std::memcmp(&notes[name], "Xen", 4) != 0)
            continue;
        entries.pv = entries.pv || note.n_type == note_entry || note.n_type == note_loader;
        entries.pvh = entries.pvh || note.n_type == note_phys32_entry;
    }
}

template <typename Header, typename Segment, typename Section>
std::optional<Entries> entries_of(std::ifstream& file) {
    const auto header = read_at<Header>(file, 0);
    if (!header)
        return std::nullopt;
    Entries entries;
    const auto look = [&](std::uint64_t offset, std::uint64_t size) {
        std::vector<char> notes(std::min(size, max_notes));
        if (file.seekg(static_cast<std::streamoff>(offset)) &&
            file.read(notes.data(), static_cast<std::streamsize>(notes.size())))
            look_at_notes(notes, entries);
        file.clear();
    };
    for (unsigned i = 0; i < header->e_phnum; ++i) {
        const auto segment =
            read_at<Segment>(file, header->e_phoff + std::uint64_t{i} * sizeof(Segment));
        if (!segment)
            return std::nullopt;
        if (segment->p_type == PT_NOTE)
            look(segment->p_offset, segment->p_filesz);
    }
    // Old PV kernels, and those of mini-os, have a section __xen_guest instead, or their notes in
    // sections only.
    const auto names = read_at<Section>(
        file, header->e_shoff + std::uint64_t{header->e_shstrndx} * sizeof(Section));
    for (unsigned i = 0; names && i < header->e_shnum; ++i) {
        const auto section =
            read_at<Section>(file, header->e_shoff + std::uint64_t{i} * sizeof(Section));
        if (!section)
            return std::nullopt;
        if (section->sh_type == SHT_NOTE)
            look(section->sh_offset, section->sh_size);
        const auto name = read_at<std::array<char, 12>>(file, names->sh_offset + section->sh_name);
        file.clear();
        entries.pv = entries.pv || (name && std::memcmp(name->data(), "__xen_guest", 12) == 0);
    }
    return entries;
}

std::optional<Entries> entries_in(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const auto ident = read_at<std::array<unsigned char, EI_NIDENT>>(file, 0);
    if (!ident || std::memcmp(ident->data(), ELFMAG, SELFMAG) != 0 ||
        (*ident)[EI_DATA] != ELFDATA2LSB)
        return std::nullopt;
    if ((*ident)[EI_CLASS] == ELFCLASS64)
        return entries_of<Elf64_Ehdr, Elf64_Phdr, Elf64_Shdr>(file);
    return entries_of<Elf32_Ehdr, Elf32_Phdr, Elf32_Shdr>(file);
}

// The architecture that a kernel is for, as far as its beginning says so: an ELF file by its
// machine, a bzImage (Documentation/arch/x86/boot.rst), an arm64 Image
// (Documentation/arm64/booting.rst).
std::optional<Host> host_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const auto elf = read_at<Elf64_Ehdr>(file, 0);  // e_machine is at the same place in 32 bits
    if (elf && std::memcmp(elf->e_ident, ELFMAG, SELFMAG) == 0) {
        if (elf->e_machine == EM_AARCH64)
            return Host::arm64;
        return elf->e_machine == EM_X86_64 || elf->e_machine == EM_386 ? std::optional(Host::amd64)
                                                                       : std::nullopt;
    }
    file.clear();
    const auto image = read_at<std::array<char, 4>>(file, 0x38);
    if (image && std::memcmp(image->data(), "ARM\x64", 4) == 0)
        return Host::arm64;
    file.clear();
    const auto bzimage = read_at<std::array<char, 4>>(file, 0x202);
    if (bzimage && std::memcmp(bzimage->data(), "HdrS", 4) == 0)
        return Host::amd64;
    return std::nullopt;
}

}  // namespace

std::string kernel_fault(const std::string& kernel, DomainType type, bool pvshim, Host host) {
    const auto of = host_of(kernel);
    if (of && of != host)
        return kernel + " is for " + std::string(to_string(*of)) + ", and this host is " +
               std::string(to_string(host));
    if (host == Host::arm64)
        return {};  // there is one type of guests
    const auto entries = entries_in(kernel);
    if (!entries || (!entries->pv && !entries->pvh))
        return {};
    const bool is_pv = type == DomainType::pv || pvshim;
    if (is_pv ? entries->pv : entries->pvh)
        return {};
    return kernel + " is for guests of type " + (is_pv ? "pvh" : "pv") +
           ", and this one is of type " +
           (type == DomainType::pv ? "pv"
            : pvshim               ? "pvh with pvshim"
                                   : "pvh");
}

}  // namespace summond::service
