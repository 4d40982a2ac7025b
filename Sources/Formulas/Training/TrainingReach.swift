import Architectures

/// Which stacks of a hierarchy the objective depends on, and so which have gradients.
///
/// Decoder 1 always has. A decoder above it is reached by L_rec, or where the decoder below is conditioned on what it
/// restores; an encoder by L_rec and L_context, by a decoder that is conditioned on its latents or fed them, and by the
/// encoder above. A chunk that stands first is conditioned on the start latent, where conditions are shifted.
struct TrainingReach {
  private(set) var encoders: PerLevel<Bool>
  private(set) var decoders: PerLevel<Bool>

  init(_ model: Model, _ settings: TrainingSettings) {
    let (reading, count) = (model.decoderInput, model.levelCount)
    let units = (0...count).map { settings.context / model.metaContextLength(upTo: $0) }
    // More than one chunk: some of them are conditioned on a unit before them.
    let hasShifted = (0...count).map { settings.context > model.metaContextLength(upTo: $0) }
    let (restores, predicts) = (settings.reconstructionWeight > 0, settings.contextWeight > 0)

    decoders = [true]
    for level in 1..<count {
      let conditions = reading != .encoderState && decoders[level] && (reading == .cascade || hasShifted[level])
      decoders.append(conditions || restores && units[level] > 0)
    }

    encoders = PerLevel(repeating: false, count: count)
    for level in stride(from: count, through: 1, by: -1) {
      let compared = predicts && units[level] > 1
      let conditions = (level == count || reading == .encoderState) && decoders[level] && hasShifted[level]
      encoders[level] = compared || conditions
      guard level < count, units[level] > 0 else { continue }
      let target = restores && !settings.stopGradient
      let fed = !reading.feedsReconstructions && decoders[level + 1] && model.levels[level + 1].chunkLength > 1
      encoders[level] = encoders[level] || target || fed || encoders[level + 1]
    }
  }
}
