import ArgumentParser
import Glibc
import RPC
import Support
import Testing

@testable import Results

/// Vocabularies among the words of a command: `@coco`, `@file.txt`.
@Suite struct VocabularyFileTests {
    private let place: TemporaryDirectory
    private var path: String { "\(place.path)/list.txt" }

    init() throws { place = try TemporaryDirectory() }

    private static func candidates(_ words: String...) throws -> VocabularyList? {
        guard case .candidates(let list) = try WordList(words).sought else { return nil }
        return list
    }

    /// What the data sets publish.
    private static let counts = ["voc": 20, "context": 59, "coco": 80, "ade": 150, "lvis": 1203, "demo": 64]

    @Test func `each that is said to ship does`() { #expect(Set(VocabularyList.shipped) == Set(Self.counts.keys)) }

    @Test(arguments: counts.keys.sorted())
    func `a shipped one has its names, source and licence, and words that mean one label`(name: String) throws {
        let list = try VocabularyList(named: name)
        #expect(list.candidates.count == Self.counts[name])
        let names = list.candidates.map(\.name)
        #expect(Set(names).count == names.count)
        let file = try InputFile.bytes(at: "\(ShippedFiles.folder(of: "dsegd"))/vocabularies/\(name).txt")
        let header = String(decoding: file, as: UTF8.self).split(separator: "\n").prefix { $0.hasPrefix("#") }
        for key in ["# source: ", "# licence: ", "# changed: "] {
            #expect(header.contains { $0.hasPrefix(key) && $0.count > key.count + 5 }, "\(key)")
        }
        var owners: [String: String] = [:]
        for candidate in list.candidates {
            let words = [candidate.name] + candidate.phrases.map(\.words) + candidate.synonyms
            for word in Set(words) {
                let other = owners.updateValue(candidate.name, forKey: word)
                #expect(other == nil, "\"\(word)\" means \(other ?? "") and \(candidate.name)")
            }
        }
        #expect(Set(list.background).isDisjoint(with: owners.keys))
        #expect(Set(list.background).count == list.background.count)
    }

    @Test func `the published prompts are the phrases`() throws {
        func read(_ name: String) throws -> [String] {
            try VocabularyList(named: name).candidates.map { $0.phrases.first?.words ?? $0.name }
        }
        // DiffSegmenter's, in its order.
        let voc = """
            plane,bicycle,bird,boat,bottle,buses,car,cat,chair,cow,table,dog,horse,motorbike,people,plant,sheep,sofa,\
            train,monitor
            """
        #expect(try read("voc").joined(separator: ",") == voc)
        let context = """
            airplane,bag,bed,bedclothes,bench,bicycle,bird,boat,book,bottle,building,bus,cabinet,car,cat,ceiling,chair,\
            cloth,computer,cow,cup,curtain,dog,door,fence,floor,flower,food,grass,ground,horse,keyboard,light,\
            motorbike,mountain,mouse,person,plate,platform,plant,road,rock,sheep,shelves,sidewalk,sign,sky,snow,sofa,\
            table,track,train,tree,truck,monitor,wall,water,window,wood
            """
        #expect(try read("context").joined(separator: ",") == context)
        let coco = """
            person,bicycle,car,motorbike,aeroplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,parking \
            meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,\
            suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,\
            tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,\
            hot dog,pizza,donut,cake,chair,sofa,pottedplant,bed,diningtable,toilet,tvmonitor,laptop,mouse,remote,\
            keyboard,cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,\
            hair drier,toothbrush
            """
        #expect(try read("coco").joined(separator: ",") == coco)
    }

    @Test func `an at sign names a vocabulary, whose labels are candidates beside the words`() throws {
        let coco = try VocabularyList(named: "coco").candidates.map(\.name)
        #expect(try Self.candidates("@coco")?.candidates.map(\.name) == coco)
        for words in [["@coco", "red panda"], ["red panda", "@coco"], [" @coco ,red panda"], ["@coco\nred panda"]] {
            guard case .candidates(let list) = try WordList(words).sought else {
                Issue.record("\(words) are no candidates")
                continue
            }
            #expect(list.candidates.map(\.name) == coco + ["red panda"])
            #expect(try WordList(words).labels.isEmpty)
            #expect(try WordList(words).given == words)
        }
        let both = try Self.candidates("@voc", "@coco")
        #expect(both?.candidates.first { $0.name == "person" }?.phrases == [Phrase(words: "people")])
        #expect(both.map { Set($0.candidates.map(\.name)).count == $0.candidates.count } == true)
        #expect(try WordList([#"\@home"#, "a@b"]).labels.map(\.name) == ["@home", "a@b"])
    }

    @Test func `more words than a mask has indices may be candidates`() throws {
        let names = (0..<300).map { "label \($0)" }.joined(separator: ",")
        #expect(throws: WordError.tooManyLabels(300)) { try WordList([names]) }
        #expect(try Self.candidates(names, "@demo")?.candidates.count == 364)
        #expect(throws: WordError.repeatedLabel("dog")) { try WordList(["@demo", "dog", "dog"]) }
    }

    @Test func `what is not shipped is a file`() throws {
        try replaceFile(at: path, with: Array("gnu\r\n[background]\r\nsavanna".utf8))
        #expect(try Self.candidates("@\(path)")?.candidates.map(\.name) == ["gnu"])
        #expect(try Self.candidates("@\(path)", "@demo")?.candidates.count == 65)
        let strange = "\(place.path)/a,b=c|d:2.txt"
        try replaceFile(at: strange, with: Array("yak".utf8))
        #expect(try Self.candidates("@\(strange.replacing(",", with: #"\,"#))")?.candidates.map(\.name) == ["yak"])
        #expect(throws: WordError.vocabulary(.unknown("koko"))) { try WordList(["@koko"]) }
        #expect(throws: WordError.vocabulary(.unknown("COCO"))) { try WordList(["@COCO"]) }
        #expect(throws: WordError.vocabulary(.unknown(""))) { try WordList(["@"]) }
        let said = VocabularyError.unknown("home").description
        #expect(VocabularyList.shipped.allSatisfy { said.contains("@\($0)") } && said.contains(#"\@home"#))
        // A shipped name behind a slash is a path.
        #expect(throws: WordError.self) { try WordList(["@./coco"]) }
    }

    @Test func `a file that holds none is told from one that is not there`() throws {
        func reason(_ name: String) -> (error: VocabularyError?, reason: ExitReason?) {
            let error = #expect(throws: VocabularyError.self) { try VocabularyList(named: name) }
            #expect(error?.description.contains(name) == true)
            return (error, error.map { ExitReason($0, picture: nil) })
        }
        #expect(reason(path).reason == .missingInput)
        #expect(reason(place.path).error == .unreadable(.isFolder(path: place.path)))
        let pipe = "\(place.path)/pipe"
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        #expect(reason(pipe).reason == .missingInput)
        for bytes in [[0x64, 0xFF, 0x67], [0xFF, 0xFE, 0x64, 0], [0xED, 0xA0, 0x80]] as [[UInt8]] {
            try replaceFile(at: path, with: bytes)
            #expect(reason(path).error == .notText(path: path))
        }
        let comment = [UInt8](repeating: UInt8(ascii: "#"), count: 4 << 20)
        try replaceFile(at: path, with: comment)
        #expect(reason(path).error == .empty(path: path))
        try replaceFile(at: path, with: comment + [0x0A])
        #expect(reason(path).error == .tooLarge(path: path) && reason(path).reason == .badData)
        #expect(VocabularyError.tooLarge(path: path).description.contains("4 MiB"))
    }

    @Test func `the exit code says what is wrong with a vocabulary, before anything is done`() throws {
        func reason(_ words: String...) -> ExitReason? {
            do {
                let options = try MaskOptions.parse(["r.png"] + words)
                _ = try MaskPlan.all(options, standardOutputIsTerminal: false)
                return nil
            } catch {
                let code = MaskOptions.exitCode(for: error)
                return code == .validationFailure ? .usage : ExitReason(error, picture: nil)
            }
        }
        #expect(reason("@demo") == nil)
        #expect(reason("@koko") == .usage)
        #expect(reason("@\(path)") == .missingInput)
        #expect(reason("dog", "@\(place.path)/no.png") == .missingInput)
        try replaceFile(at: path, with: Array("dog\ndog".utf8))
        #expect(reason("@\(path)") == .badData)
    }

    @Test func `a cut-out is of a candidate, or of anything where nothing is named`() throws {
        func accepts(_ arguments: String...) -> Bool { (try? MaskOptions.parse(["r.png"] + arguments)) != nil }
        #expect(accepts("@voc", "--cut", "person"))
        #expect(accepts("@voc", "red panda", "--cut", "red panda"))
        #expect(!accepts("@voc", "--cut", "people"))
        #expect(!accepts("@lvis", "--cut", "gnu"))
        #expect(accepts("--cut", "gnu"))
    }

    @Test func `the request says what there is to choose from`() throws {
        func request(_ words: String...) throws -> SegmentRequest {
            let options = try MaskOptions.parse(["r.png"] + words)
            return try MaskPlan(options, standardOutputIsTerminal: false).request(.handle("c0ffee"), requestID: "")
        }
        let list = try VocabularyList(named: "voc")
        let asked = try request("@voc")
        #expect(asked.labels.isEmpty)
        #expect(asked.vocabulary?.candidates == list.candidates && asked.vocabulary?.background == list.background)
        let anything = try request()
        #expect(anything.labels.isEmpty && anything.vocabulary?.candidates.isEmpty == true)
        #expect(try SegmentRequest(decoding: request("@lvis").encoded()).vocabulary?.candidates.count == 1203)
    }
}
