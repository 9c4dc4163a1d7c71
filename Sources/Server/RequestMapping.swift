import Images
package import RPC
package import Segmentation

// Converts between the wire's messages (RPC) and the method's values (Segmentation).

extension SegmentationRequest {
    /// The request of a message.
    ///
    /// - Throws: `invalidArgument` for one that is illegal whatever the model
    package init(_ message: SegmentRequest) throws(RPCStatus) {
        let picture = try PictureSource(message.picture)
        do throws(SegmentationError) {
            var vocabulary: Segmentation.Vocabulary?
            if let message = message.vocabulary { vocabulary = try Segmentation.Vocabulary(message) }
            try self.init(
                picture: picture, labels: message.labels.map(Segmentation.Label.init), vocabulary: vocabulary,
                recipe: Recipe(named: message.recipe, settings: message.settings),
                forwardPrompt: message.forwardPrompt, seed: message.seed, timestep: message.timestep.map(Int.init),
                threshold: message.threshold, maps: MapRequest(message), wantsMask: message.mask, model: message.model,
                probes: message.probes.map(Segmentation.Probe.init))
        } catch {
            throw RPCStatus(error)
        }
    }
}

extension PictureSource {
    /// - Throws: `invalidArgument` where a request has no picture
    init(_ picture: SegmentRequest.Picture?) throws(RPCStatus) {
        switch picture {
        case .image(let file): self = .file(file)
        case .handle(let handle): self = .handle(handle)
        case nil:
            throw RPCStatus(
                .invalidArgument, "The request has no picture: send its file as image, or its handle as Look gave it.")
        }
    }
}

extension Segmentation.Label {
    init(_ message: RPC.Label) {
        self.init(name: message.name, phrases: message.phrases.map(Segmentation.Phrase.init))
    }
}

extension Segmentation.Phrase {
    init(_ message: RPC.Phrase) {
        self.init(
            words: message.words, prompt: message.prompt.isEmpty ? nil : message.prompt,
            weight: message.weight == 0 ? 1 : message.weight)
    }
}

extension Segmentation.Probe {
    init(_ message: RPC.Probe) {
        self =
            switch message {
            case .layers: .layers
            case .stages: .stages
            case .attention(let x, let y): .attention(x: Int(x), y: Int(y))
            }
    }
}

extension MapRequest {
    init(_ message: SegmentRequest) {
        self =
            switch message.maps {
            case .latent: .latent
            case .none: .none
            case .sized where message.mapWidth == 0 && message.mapHeight == 0: .picture
            case .sized: .sized(width: Int(message.mapWidth), height: Int(message.mapHeight))
            }
    }
}

extension SegmentReply {
    /// An event of an answer as a message.
    ///
    /// - Parameters:
    ///   - encoding: of score maps
    ///   - isWanted: polled while a map is encoded; `false` ends the encoding
    /// - Throws: `internal` where a score is infinite or NaN, or `isWanted` was `false`
    package init(
        _ event: SegmentationEvent, encoding: Encoding, while isWanted: () -> Bool = { true }
    ) throws(RPCStatus) {
        do throws(RPCStatus) {
            switch event {
            case .header(let understanding): self = .header(Header(understanding))
            case .scores(let map):
                self = .scoreMap(
                    try ScoreMap(
                        label: map.label, scores: map.scores, width: map.width, height: map.height,
                        encoding: encoding, while: isWanted))
            case .mask(let mask):
                self = .mask(
                    try IndexMask(
                        indices: mask.indices, width: mask.width, height: mask.height, labels: mask.labels))
            case .probed(let probed):
                self = .probed(
                    RPC.ProbedMap(
                        probe: UInt32(probed.probe), name: probed.name,
                        map: try ScoreMap(
                            label: probed.label, scores: probed.scores, width: probed.width, height: probed.height,
                            encoding: encoding, while: isWanted)))
            case .report(let report): self = .trailer(Trailer(report))
            }
        } catch {
            throw RPCStatus(.internal, error.message)
        }
    }
}

extension Header {
    init(_ understanding: Understanding) {
        self.init(
            handle: understanding.picture.handle, width: UInt32(understanding.picture.width),
            height: UInt32(understanding.picture.height), latentWidth: UInt32(understanding.latentWidth),
            latentHeight: UInt32(understanding.latentHeight),
            labels: understanding.labels.map(RPC.UnderstoodLabel.init), recipe: understanding.recipe.name,
            forwardPrompt: understanding.forwardPrompt, seed: understanding.seed,
            timestep: UInt32(understanding.timestep), threshold: understanding.threshold,
            model: understanding.model, modelHash: understanding.modelHash,
            modelAliases: understanding.modelAliases, version: Version.current,
            precision: understanding.precision, instructionSet: understanding.instructionSet,
            blas: understanding.blas, settings: understanding.recipe.settings,
            labelsCompete: understanding.recipe.labelsCompete, notes: understanding.notes,
            choice: understanding.choice.map(RPC.Choice.init),
            captioner: understanding.captioner.map(RPC.Network.init),
            filter: understanding.filter.map(RPC.Network.init))
    }
}

extension RPC.UnderstoodLabel {
    init(_ label: Segmentation.UnderstoodLabel) {
        self.init(
            name: label.name,
            phrases: label.phrases.map {
                RPC.UnderstoodPhrase(
                    words: $0.words, prompt: $0.prompt, positions: $0.positions.map(UInt32.init),
                    truncated: $0.truncated, caption: $0.caption ?? "", weight: $0.weight)
            })
    }
}

extension Trailer {
    init(_ report: Report) {
        self.init(
            queueMilliseconds: report.queue, decodeMilliseconds: report.decode,
            autoencoderMilliseconds: report.autoencoder, textMilliseconds: report.text,
            unetMilliseconds: report.unet, mapsMilliseconds: report.maps,
            unetPasses: UInt32(report.passes), featuresCached: UInt32(report.featuresCached),
            phrasesCached: UInt32(report.phrasesCached), latentCached: report.latentCached,
            answerHash: report.answerHash, wordsMilliseconds: report.words)
    }
}

extension LookReply {
    init(_ looked: LookedAt) {
        self.init(handle: looked.handle, width: UInt32(looked.width), height: UInt32(looked.height))
    }
}
