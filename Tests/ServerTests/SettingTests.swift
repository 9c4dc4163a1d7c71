import RPC
@testable import Segmentation
import Server
import Testing

/// What a request may set of a recipe, and how it is told back.
struct SettingTests {
    private static func recipe(_ name: String, _ settings: [String]) throws -> Recipe {
        try SegmentationRequest(
            SegmentRequest(picture: .handle("h"), labels: [RPC.Label(name: "dog")], recipe: name, settings: settings)
        ).recipe
    }

    private static func refusal(_ settings: [String], of name: String = "best") throws -> RPCStatus {
        try #require(throws: RPCStatus.self) { try recipe(name, settings) }
    }

    private static let illegal = [
        "grid": [
            "", "Square", "512", "512x", "x512", "512X512", "512x512x1", "0x0", "7x8", "8193x8", "-8x8", "8.0x8",
            " 8x8",
            "99999999999999999999x8", "off",
        ],
        "detail": ["", "0.5", "0.99", "4.01", "5", "1e9", "-1", "nan", "inf", "0x1p0", " 2", "off"],
        "resize": ["", "Bilinear", "bicubic", "on", " nearest"],
        "gamma": ["", "-1", "65", "1.0", "1e1", " 1", "+1", "0x1", "\u{663}", "OFF", "99999999999999999999"],
        "colour": ["", "0", "0.0099", "10.1", "-0.2", "nan", "inf", "0x1p-2", "0.2,0.1", " 0.2", "on"],
        "rounds": ["", "-1", "17", "1.5", "1,1", "off"],
        "weights": [
            "", "0", "0,0,0", "1,", ",1", "1.1", "-0.1,1", "nan", "1;1", "0.3, 0.5", "1,1,1,1,1,1,1,1,1", "off",
        ],
        "captions": ["", "ON", "yes", "1", "on "], "weighted": ["", "All", "first", "all,last", " all"],
        "edges": ["", "ON", "yes", "1", "on "], "softmax": ["", "Joint", "on", "own,joint", " own"],
        "enhancement": ["", "0", "0.09", "10.1", "-1.6", "nan", "inf", "0x1p0", " 1", "off"],
        "clusters": ["", "ON", "on ", "32", "1"],
        "entropy": ["", "-0.1", "1.01", "nan", "inf", "0x1p-2", " 0.2", "on"],
        "cut": ["", "-0.1", "1.01", "nan", "inf", "0x1p-2", " 0.2", "on"],
        "heads": ["", "Mean", "sum", "1", " mean", "on"],
        "presence": ["", "-0.1", "1.01", "nan", "inf", "0x1p-2", " 0.2", "on", "OFF"],
    ]

    /// Recipes that have the parameters of a key.
    private static let having = [
        "clusters": "iseg:voc", "entropy": "iseg:voc", "cut": "cliper-affinity:voc", "heads": "cliper-affinity:voc",
    ]

    /// Values that are legal where a recipe has the parameter.
    private static let foreign = [
        "best": ["clusters=on", "entropy=0.1", "cut=0.1", "heads=mean", "heads=product"],
        "shared": ["clusters=on", "entropy=0", "cut=0", "heads=mean"],
        "diffsegmenter": ["clusters=on", "entropy=0", "cut=0", "heads=mean"],
        "iseg:voc": ["colour=0.2", "cut=0.1", "heads=mean", "entropy=off"],
        "iseg:coco": ["colour=0.2", "cut=0.1", "heads=product", "entropy=off"],
        "cliper-affinity:voc": ["colour=0.2", "clusters=on", "entropy=0.1", "cut=off", "heads=off"],
        "cliper-affinity:context": ["colour=0.2", "clusters=on", "entropy=0.1", "cut=off", "heads=off"],
    ]

    private static let legal = [
        "grid": ["square", "aspect", "8x8192", "512x768", "0512x8"], "detail": ["1", "1.5", "4", "2e0"],
        "resize": ["bilinear", "nearest"],
        "gamma": ["0", "1", "08", "64", "off"], "colour": ["0.01", "0.2", "2e-1", "10", "off"],
        "rounds": ["0", "1", "02", "16"], "weights": ["1", "0.3,0.5,0.2", "5e-1,.5", "0,0,0,0,0,0,0,1"],
        "captions": ["on", "off"], "weighted": ["all", "last"], "edges": ["on", "off"], "softmax": ["own", "joint"],
        "enhancement": ["0.1", "1", "1.6", "10"],
        "clusters": ["off", "on"], "entropy": ["off", "0", "0.015", "1"], "cut": ["off", "0", "0.1", "1"],
        "heads": ["off", "product", "mean"], "presence": ["0", "0.5", "1", "off"],
    ]

    /// The legal values of a key that a recipe has: of its affinity and maps, and of other ones.
    private static func legal(_ key: String, of recipe: Recipe) throws -> [String] {
        let values = try #require(legal[key])
        let (isOn, others) = (values.filter { $0 != "off" }, ["off"])
        switch (key, recipe.refinement.affinity, recipe.aggregation.maps) {
        case ("colour", .mean, _), ("colour", .weighed, _), ("clusters", _, .ofTokens): return values
        case ("entropy", .sharpened, _), ("cut", .heads, _), ("heads", .heads, _): return isOn
        case ("colour", _, _), ("clusters", _, _), ("entropy", _, _), ("cut", _, _), ("heads", _, _): return others
        case ("weights", _, .ofPatches), ("captions", _, .ofPatches): return others
        case ("captions", _, _) where recipe.isJoined: return others
        case ("weighted", _, _) where recipe.isJoined: return ["all"]
        case ("softmax", _, _): return recipe.fitsJointSoftmax ? values : ["own"]
        default: return values
        }
    }

    @Test(arguments: RecipeSetting.all.map(\.key))
    func `every illegal value is refused with the legal ones`(key: String) throws {
        let setting = try #require(RecipeSetting.all.first { $0.key == key })
        for value in try #require(Self.illegal[key]) {
            let status = try Self.refusal(["\(key)=\(value)"], of: Self.having[key] ?? "best")
            #expect(status.code == .invalidArgument)
            #expect(status.message.contains("\(key)=\"\(value)\""), "\(status.message)")
            #expect(status.message.contains(setting.legal), "\(status.message)")
        }
    }

    @Test(arguments: foreign.keys.sorted())
    func `what a recipe has no part for is refused with the legal values`(recipe: String) throws {
        for text in try #require(Self.foreign[recipe]) {
            let status = try Self.refusal([text], of: recipe)
            let parts = text.split(separator: "=").map(String.init)
            let setting = try #require(RecipeSetting.all.first { $0.key == parts[0] })
            #expect(status.code == .invalidArgument)
            #expect(status.message.contains("\(parts[0])=\"\(parts[1])\""), "\(status.message)")
            #expect(status.message.contains(setting.legal), "\(status.message)")
        }
    }

    @Test func `a name before a colon means the first recipe that begins with it`() throws {
        #expect(try Self.recipe("iseg", []) == .isegVOC)
        #expect(try Self.recipe("cliper-affinity", []) == .cliperAffinityVOC)
        #expect(try Self.recipe("cliper", []) == .cliperVOC)
        for recipe in Recipe.all { #expect(try Self.recipe(recipe.name, []) == recipe) }
        for name in [
            "clipe", "iseg:", "ISEG", "iseg:VOC", "iseg:vo", "iseg:voc:", ":voc", "iseg:voc ", "voc", "i\u{301}seg",
        ] {
            let status = try Self.refusal([], of: name)
            #expect(status.code == .invalidArgument)
            for recipe in Recipe.all { #expect(status.message.contains(recipe.name), "\(status.message)") }
        }
    }

    @Test(arguments: ["", "gamma", "=1", "Gamma=1", " gamma=1", "depth=1", "gamma\u{301}=1"])
    func `what is no setting is refused with those that are`(text: String) throws {
        let status = try Self.refusal([text])
        #expect(status.code == .invalidArgument)
        for key in RecipeSetting.all.map(\.key) { #expect(status.message.contains(key), "\(status.message)") }
    }

    @Test(arguments: legal.keys.sorted())
    func `a key is set once`(key: String) throws {
        let values = try Self.legal(key, of: .best)
        for other in [values[0], values[values.count - 1]] {
            let status = try Self.refusal(["\(key)=\(values[0])", "\(key)=\(other)"])
            #expect(status.code == .invalidArgument)
            #expect(status.message.contains("\(key) is set twice"), "\(status.message)")
        }
    }

    /// A value for each key, all legal values of each key in turn.
    private static func together(_ recipe: Recipe) throws -> [[String]] {
        let values = try legal.keys.sorted().map { (key: $0, values: try legal($0, of: recipe)) }
        return (0..<20).map { turn in values.map { "\($0.key)=\($0.values[turn % $0.values.count])" } }
    }

    @Test(arguments: Recipe.all)
    func `a recipe does not depend on the order of its settings`(recipe: Recipe) throws {
        for settings in try Self.together(recipe) {
            let changed = try Self.recipe(recipe.name, settings)
            for turn in settings.indices {
                #expect(try Self.recipe(recipe.name, Array(settings[turn...] + settings[..<turn])) == changed)
            }
            #expect(try Self.recipe(recipe.name, settings.reversed()) == changed)
        }
    }

    @Test(arguments: Recipe.all)
    func `what is told back makes the same recipe`(recipe: Recipe) throws {
        #expect(try Self.recipe(recipe.name, []) == recipe && recipe.settings.isEmpty)
        let together = try Self.together(recipe)
        for settings in together + together.flatMap({ $0.map { [$0] } }) {
            let changed = try Self.recipe(recipe.name, settings)
            #expect(try Self.recipe(recipe.name, changed.settings) == changed)
            #expect(changed.settings.count <= settings.count)
        }
        let own = RecipeSetting.all.map { "\($0.key)=\($0.value(in: recipe))" }.filter { !$0.contains(" or ") }
        #expect(own.count >= RecipeSetting.all.count - 1)
        for text in own { #expect(try recipe.with([text]) == recipe, "\(text)") }
        #expect(try Self.recipe(recipe.name, own) == recipe, "its own values change nothing")
    }
}
