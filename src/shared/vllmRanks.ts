/** The largest rank that vLLM serves unless it is told otherwise. */
export const VLLM_DEFAULT_RANK = 16

/** What its --max-lora-rank accepts. Source: vLLM, config/lora.py. */
const ACCEPTED = [8, VLLM_DEFAULT_RANK, 32, 64, 128, 256, 320, 512]

export const VLLM_LARGEST_RANK = Math.max(...ACCEPTED)

/** The --max-lora-rank that serves a rank: the least that is accepted; undefined where the rank is above all of them. */
export const vllmMaxRank = (rank: number): number | undefined => ACCEPTED.find((limit) => limit >= rank)
