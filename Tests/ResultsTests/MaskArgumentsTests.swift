import ArgumentParser
import Foundation
import Glibc
import RPC
import Support
import Testing

@testable import Results

@Suite struct MaskArgumentsTests {
    private let place: TemporaryDirectory
    private var folder: String { place.path }

    init() throws { place = try TemporaryDirectory() }

    private static func arguments(_ arguments: [String]) throws -> MaskArguments {
        try MaskArguments(try MaskOptions.parse(arguments))
    }

    private static let beginnings: [[UInt8]] = [
        [0x89, 0x50, 0x4E, 0x47, 0x0D], [0xFF, 0xD8, 0xFF, 0xE0], Array("GIF89a".utf8), Array("RIFF1234WEBPVP8".utf8),
        [0, 0, 0, 24] + Array("ftypheic".utf8), [0x49, 0x49, 0x2A, 0, 8], Array("P6\n1 1".utf8),
        Array("BM".utf8) + [70, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0], [0, 0, 1, 0, 1, 0],
        Array("8BPS\0\u{1}".utf8), Array("%PDF-1.4\n".utf8), Array("icns".utf8), Array("DDS |".utf8),
        Array("qoif".utf8),
        [0, 0, 2, 0, 0, 0, 0, 0, 0, 0], [0x49, 0x49, 0x2A, 0, 16, 0, 0, 0] + Array("CR".utf8),
        Array("FUJIFILMCCD-RAW ".utf8), Array("<svg xmlns='http://www.w3.org/2000/svg'/>".utf8),
        [0x49, 0x49, 0x55, 0],
    ]

    @Test(arguments: beginnings)
    func `pictures lead, whatever they are called and whatever their format is`(beginning: [UInt8]) throws {
        let (one, two) = ("\(folder)/one", "\(folder)/two")
        for path in [one, two] { try replaceFile(at: path, with: beginning) }
        let found = try Self.arguments([one, two, "dog, cat"])
        #expect(found.pictures == [one, two])
        #expect(found.words.labels.map(\.name) == ["dog", "cat"])
        for words in [["dog", two], ["dog, \(two)"], ["dog", "cat,\(two)"]] {
            #expect(throws: (any Error).self) { try Self.arguments([one] + words) }
        }
        #expect(try Self.arguments([one, "it=\(two)"]).words.labels[0].phrases.map(\.words) == [two])
        let alone = try Self.arguments([one, two])
        #expect(alone.pictures == [one, two] && alone.words.sought == .anything)
    }

    /// Programs, archives, a database, a sound, texts, numbers, nothing: whoever stands in a folder of programs may
    /// well look for a cat.
    private static let others: [[UInt8]] = [
        Array("\u{7F}ELF\u{2}\u{1}\u{1}".utf8), Array("MZ\u{10}\0\u{3}\0".utf8), Array("PK\u{3}\u{4}\u{14}\0".utf8),
        [0x1F, 0x8B, 8, 0], Array("BZh91AY".utf8), Array("7z".utf8) + [0xBC, 0xAF], Array("SQLite format 3\0".utf8),
        Array("ID3\u{3}\0".utf8), Array("<!doctype html><p>cats".utf8), Array("{\"cat\": 1}".utf8),
        Array("<?xml version='1.0'?><cats/>".utf8), [0xFF, 0xFE, 0x63, 0], Array("HTTP/1.1 200 OK\r\n".utf8),
        [0x14, 1, 0, 0, 0, 0, 0, 0] + Array("{\"a\":".utf8), [UInt8](repeating: 0, count: 4096),
        [UInt8](repeating: 0x6E, count: 257) + Array("ustar\0".utf8), Array("#!/bin/sh\n".utf8),
    ]

    @Test(arguments: others)
    func `what holds no picture is a word`(beginning: [UInt8]) throws {
        let cat = "\(folder)/cat"
        try replaceFile(at: cat, with: beginning)
        for words in [[cat], ["dog", cat], ["dog,\(cat)"]] {
            let found = try Self.arguments(["r.png"] + words)
            #expect(found.pictures == ["r.png"])
            #expect(found.words.labels.last?.name == cat)
        }
    }

    @Test func `a file that is none, a folder and a word are words`() throws {
        let text = "\(folder)/boat"
        try replaceFile(at: text, with: Array("a list of boats".utf8))
        #expect(try Self.arguments(["r.png", text]).pictures == ["r.png"])
        #expect(try Self.arguments(["r.png", folder]).words.labels.map(\.name) == [folder])
        #expect(try Self.arguments(["r.png", "dog"]).pictures == ["r.png"])
    }

    @Test func `what is named as a picture and is not there is one that is missing, wherever it stands`() throws {
        let names = [
            "no.png", "no.CR2", "no.dng", "no=1.png", "a/no.ico", "a b.jxl", "no.pdf", "boat=no.svg", "no.nef",
            "no.tga",
        ]
        for name in names {
            for words in [["boat", name], [name, "boat"], ["boat,\(name)"], ["r.png", "boat", name, "s.png"]] {
                let options = try MaskOptions.parse(["r.png"] + words)
                do {
                    for plan in try MaskPlan.all(options, standardOutputIsTerminal: false) where plan.picture == name {
                        try plan.checkPicture()
                    }
                    Issue.record("\(words) were accepted")
                } catch {
                    #expect(ExitReason(error, picture: nil) == .missingInput, "\(words): \(error)")
                    #expect("\(error)".contains("cannot read \(name)"))
                }
            }
            guard !name.contains("=") else { continue }
            let escaped = name.replacing(".", with: "\\.")
            #expect(try Self.arguments(["r.png", escaped]).words.labels.map(\.name) == [name])
        }
    }

    @Test func `a picture's name is looked for when a backslash stands in it`() throws {
        try replaceFile(at: "\(folder)/a.png", with: [])
        #expect(throws: (any Error).self) { try Self.arguments(["r.png", "dog", "\(folder)/a.png"]) }
        #expect(try Self.arguments(["r.png", "dog", "\(folder)/a\\.png"]).words.labels.count == 2)
    }

    @Test func `what lies among pictures and is none is refused`() throws {
        try replaceFile(at: "\(folder)/notes.txt", with: Array("a list of boats".utf8))
        #expect(unsafe mkdir("\(folder)/more", 0o700) == 0)
        for name in ["notes.txt", "more"].map({ "\(folder)/\($0)" }) {
            let options = try MaskOptions.parse(["r.png", "boat"])
            var mixed = options
            mixed.words = [name, "boat"]
            #expect(throws: WordError.self) { try MaskArguments(mixed) }
            try replaceFile(at: "\(folder)/late.png", with: [])
            mixed.words = [name, "boat", "\(folder)/late.png"]
            #expect(throws: WordError.picture("\(folder)/late.png")) { try MaskArguments(mixed) }
            #expect(try Self.arguments(["r.png", "boat", name]).words.labels.count == 2)
        }
    }

    /// The last words of a refusal, after "type".
    @Test func `what a refusal says to type names the very words`() throws {
        for name in ["cat", "cat.jpg", "cat's"] {
            let path = "\(folder)/\(name)"
            try replaceFile(at: path, with: Array("GIF89a".utf8))
            var options = try MaskOptions.parse(["r.png", "boat"])
            options.words = ["boat", path]
            let error = #expect(throws: WordError.picture(path)) { try MaskArguments(options) }
            let typed = try #require(error?.description.components(separatedBy: " type ").last)
            let unquoted = typed.replacing("'\\''", with: "\u{1}").replacing("'", with: "")
            options.words = ["boat", unquoted.replacing("\u{1}", with: "'")]
            #expect(try MaskArguments(options).words.labels.map(\.name) == ["boat", path])
        }
    }

    @Test func `what is named as a picture is one, there or not`() throws {
        try replaceFile(at: "\(folder)/empty.jpg", with: [])
        let found = try Self.arguments(["r.png", "\(folder)/empty.jpg", "\(folder)/gone.JPEG", "-", "dog"])
        #expect(found.pictures.count == 4)
        #expect(found.words.labels.map(\.name) == ["dog"])
    }

    @Test func `each picture has its plan, and no file takes another's place`() throws {
        func plans(_ arguments: String...) throws -> [MaskPlan] {
            try MaskPlan.all(try MaskOptions.parse(arguments), standardOutputIsTerminal: false)
        }
        #expect(
            try plans("a/x.png", "b/y.jpg", "dog").flatMap(\.files).map(\.path) == [
                "a/x.mask.png", "b/y.mask.png",
            ])
        #expect(throws: PlanError.sameFile("x.mask.png", of: "x.png", and: "x.jpg")) {
            try plans("x.png", "x.jpg", "dog")
        }
        #expect(throws: PlanError.sameFile("out/x.mask.png", of: "a/x.png", and: "b/x.png")) {
            try plans("a/x.png", "b/x.png", "dog", "-o", "out")
        }
        #expect(throws: PlanError.severalPicturesOnStandardOutput) { try plans("x.png", "y.png", "dog", "-o", "-") }
        let (picture, mask) = ("\(folder)/x.png", "\(folder)/x.mask.png")
        for path in [picture, mask] { try replaceFile(at: path, with: []) }
        #expect(throws: PlanError.picturesPlace(mask, picture: mask)) {
            try plans(picture, mask, "dog", "--force")
        }
    }

    @Test func `outputs that are one file are refused, however they are spelled`() throws {
        func refusal(_ arguments: String...) -> PlanError? {
            #expect(throws: PlanError.self) {
                let options = try MaskOptions.parse(arguments + ["dog", "--force"])
                _ = try MaskPlan.all(options, standardOutputIsTerminal: false)
            }
        }
        for name in ["in", "out"] { #expect(unsafe mkdir("\(folder)/\(name)", 0o700) == 0) }
        #expect(unsafe symlink("in", "\(folder)/linked") == 0)
        let spellings = ["in/x.jpg", "in/./x.jpg", "out/../in/x.jpg", "linked/x.jpg", "in//x.jpg"]
        for spelling in spellings.map({ "\(folder)/\($0)" }) {
            let path = String(spelling.dropLast(4)) + ".mask.png"
            #expect(
                refusal("\(folder)/in/x.png", spelling)
                    == .sameFile(
                        path, of: "\(folder)/in/x.png", and: spelling))
        }
        #expect(unsafe symlink("../one.png", "\(folder)/in/y.mask.png") == 0)
        #expect(unsafe symlink("\(folder)/one.png", "\(folder)/out/z.mask.png") == 0)
        #expect(
            refusal("\(folder)/in/y.png", "\(folder)/out/z.png")
                == .sameFile(
                    "\(folder)/out/z.mask.png", of: "\(folder)/in/y.png", and: "\(folder)/out/z.png"))
        #expect(unsafe symlink("y.mask.png", "\(folder)/in/y.overlay.png") == 0)
        #expect(
            refusal("\(folder)/in/y.png", "--overlay")
                == .linkedFiles(
                    "\(folder)/in/y.mask.png", "\(folder)/in/y.overlay.png"))
    }

    @Test func `files of one name in two folders are two`() throws {
        for name in ["a", "b"] { #expect(unsafe mkdir("\(folder)/\(name)", 0o700) == 0) }
        let options = try MaskOptions.parse(["\(folder)/a/x.png", "\(folder)/b/x.png", "dog"])
        #expect(try MaskPlan.all(options, standardOutputIsTerminal: false).count == 2)
    }
}
