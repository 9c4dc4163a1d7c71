import Networks
import Support
import Testing

private func blip(_ file: RegularFile) throws(CheckpointError) -> PictureConfiguration {
    try PictureConfiguration(file, .blip)
}

private func clip(_ file: RegularFile) throws(CheckpointError) -> PictureConfiguration {
    try PictureConfiguration(file, .clip)
}

/// No square.
private let other = PictureConfiguration.Size(height: 30, width: 700)

private func square(_ side: Int) -> PictureConfiguration.Size { .init(height: side, width: side) }

@Suite struct `the configuration of pictures` {
    /// What CLIP's repositories have: sizes as plain numbers, no factor, the class by its former name.
    private let published: Members = [
        "crop_size": "224", "do_center_crop": "true", "do_normalize": "true", "do_resize": "true",
        "feature_extractor_type": "\"CLIPFeatureExtractor\"", "image_mean": "[0.48145466, 0.4578275, 0.40821073]",
        "image_std": "[0.26862954, 0.26130258, 0.27577711]", "resample": "3", "size": "224",
    ]

    @Test(arguments: ["tiny", "tiny-odd"])
    func `real files say what is published, of their sizes`(fixture: String) throws {
        #expect(
            try blip(RegularFile(path: oracle(fixture, "blip/preprocessor_config.json"))) == .published(.blip, side: 96)
        )
        #expect(
            try clip(RegularFile(path: oracle(fixture, "clip/preprocessor_config.json"))) == .published(.clip, side: 56)
        )
    }

    @Test func `the published file of CLIP is read`() throws {
        let read = try read(published, by: clip)
        #expect(read == .published(.clip, side: 224))
        #expect(read.fit == .shortestSide(224) && read.crop == square(224) && read.size(of: other) == square(224))
        #expect(read.factor == 1.0 / 255)
        #expect(read.mean == [0.48145466, 0.4578275, 0.40821073])
        #expect(read.deviation == [0.26862954, 0.26130258, 0.27577711])
        let other = published.merging(["size": "336", "crop_size": "336"]) { $1 }
        #expect(try NetworksTests.read(other, by: clip) == .published(.clip, side: 336))
    }

    @Test func `a whole picture has whole patches in its proportions`() throws {
        let members: Members = ["size": "32", "crop_size": "32", "image_std": "[1, 2, 0.25]"]
        let whole = try read(members, by: clip).whole(shortest: 336, patch: 14)
        #expect(whole.crop == nil && whole.deviation == [1, 2, 0.25])
        // Height and width of pictures, and by CLIPer's formula of what is read of them; the last two are squeezed.
        for (picture, read) in [
            ((375, 500), (336, 448)), ((500, 375), (448, 336)), ((480, 640), (336, 448)), ((333, 500), (336, 504)),
            ((1, 1), (336, 336)), ((24, 25), (336, 350)), ((48, 49), (336, 350)), ((1, 20_000), (336, 1344)),
            ((5000, 1000), (1344, 336)),
        ] {
            let size = whole.size(of: .init(height: picture.0, width: picture.1))
            #expect(size == .init(height: read.0, width: read.1), "\(picture)")
        }
        let odd = whole.whole(shortest: 336, patch: 32)
        #expect(odd.size(of: square(3)) == square(352), "10.5 patches are 11")
        #expect(odd.size(of: .init(height: 1, width: 1_000_000)) == .init(height: 352, width: 1408))
    }

    /// The defaults of transformers 5.24, whose image processors take null for absent.
    @Test func `absent keys and null mean what transformers takes them to mean`() throws {
        let keys = [
            "size", "crop_size", "do_center_crop", "do_resize", "do_rescale", "rescale_factor", "do_normalize",
            "image_mean", "image_std", "resample", "do_pad", "default_to_square", "image_processor_type",
        ]
        let nulls = Members(uniqueKeysWithValues: keys.map { ($0, "null") })
        for members in [[:], nulls] {
            #expect(try read(members, by: blip) == .published(.blip, side: 384))
            #expect(try read(members, by: clip) == .published(.clip, side: 224))
        }
    }

    @Test func `a plain number is the class's, whatever the network`() throws {
        let members: Members = ["size": "32", "crop_size": "32"]
        #expect(try read(members, by: blip).fit == .stretched(square(32)))
        #expect(try read(members, by: clip).fit == .shortestSide(32))
        let named = members.merging(["image_processor_type": "\"CLIPImageProcessorFast\""]) { $1 }
        #expect(try read(named, by: blip) == .published(.clip, side: 32))
        let other = members.merging(["image_processor_type": "\"BlipImageProcessor\""]) { $1 }
        #expect(try read(other, by: clip) == .published(.blip, side: 32))
        let stretched = members.merging(["default_to_square": "true"]) { $1 }
        #expect(try read(stretched, by: clip).fit == .stretched(square(32)))
    }

    @Test func `heights and widths are kept apart`() throws {
        let members: Members = [
            "size": #"{"width": 30, "height": 20}"#, "crop_size": #"{"height": 10, "width": 17}"#,
        ]
        let cut = try read(members, by: clip)
        #expect(cut.fit == .stretched(.init(height: 20, width: 30)))
        #expect(cut.crop == .init(height: 10, width: 17) && cut.size(of: other) == .init(height: 10, width: 17))
        let whole = try read(members, by: blip)
        #expect(whole.crop == nil && whole.size(of: other) == .init(height: 20, width: 30))
        let side = try read(["size": #"{"shortest_edge": 20, "longest_edge": null}"#, "crop_size": "8"], by: clip)
        #expect(side.fit == .shortestSide(20) && side.size(of: other) == square(8))
    }

    @Test func `what is not done is no matter`() throws {
        let members: Members = [
            "do_rescale": "false", "rescale_factor": "0.5", "do_normalize": "false", "image_mean": "[1, 2, 3]",
        ]
        let plain = try read(members, by: blip)
        #expect(plain.factor == 1 && plain.mean == [0, 0, 0] && plain.deviation == [1, 1, 1])
        let scaled = try read(["rescale_factor": "0.0078125", "image_std": "[1, 2, 0.25]"], by: blip)
        #expect(scaled.factor == 0.0078125 && scaled.deviation == [1, 2, 0.25])
        #expect(scaled.mean == PictureConfiguration.published(.blip, side: 384).mean)
    }

    @Test(arguments: [
        ("size", "0"), ("size", "4097"), ("size", "1e300"), ("size", "22.5"), ("size", "\"224\""),
        ("size", "[224, 224]"),
        ("size", "{}"), ("size", #"{"longest_edge": 224}"#), ("size", #"{"shortest_edge": 224, "longest_edge": 500}"#),
        ("size", #"{"height": 224}"#), ("size", #"{"height": 224, "width": -1}"#),
        ("size", #"{"height": 224, "width": 224, "shortest_edge": 224}"#), ("size", #"{"shortest_edge": "224"}"#),
        ("crop_size", "0"), ("crop_size", "225"), ("crop_size", #"{"height": 224, "width": 225}"#),
        ("crop_size", #"{"shortest_edge": 224}"#), ("crop_size", "[224, 224]"), ("crop_size", "true"),
        ("do_center_crop", "false"), ("do_center_crop", "1"), ("do_resize", "false"), ("do_resize", "\"true\""),
        ("do_rescale", "1"), ("rescale_factor", "0"), ("rescale_factor", "-1"), ("rescale_factor", "\"1/255\""),
        ("do_normalize", "0"), ("image_mean", "0.5"), ("image_mean", "[0.5]"), ("image_mean", "[0, 0, null]"),
        ("image_mean", "[0, 0, 1e30]"), ("image_std", "[1, 1, 0]"), ("image_std", "[1, 1, -1]"),
        ("image_std", "[1, 1, 1, 1]"), ("image_std", "[1, \"1\", 1]"), ("resample", "2"), ("resample", "\"bicubic\""),
        ("do_pad", "true"), ("default_to_square", "3"), ("image_processor_type", "\"SiglipImageProcessor\""),
        ("image_processor_type", "3"), ("feature_extractor_type", "\"ViTFeatureExtractor\""),
    ])
    func `what cannot be computed is refused by its key`(key: String, value: String) {
        expectRefusal([key: value], by: key, clip)
    }

    @Test func `a refusal says what was found and what is legal`() {
        let error = #expect(throws: CheckpointError.self) { try read(["size": #"{"longest_edge": 7}"#], by: clip) }
        let text = "\(error, default: "")"
        for part in ["config.json", "size is {\"longest_edge\": 7}", "{\"shortest_edge\": n}", "1 to 4096"] {
            #expect(text.contains(part), "\(text)")
        }
        expectRefusal(["do_center_crop": "true"], by: "crop_size", blip)
    }
}
