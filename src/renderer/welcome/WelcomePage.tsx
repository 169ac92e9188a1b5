import { Alert, Container, Stack, Text, Title } from '@mantine/core'
import { CommandCard } from './CommandCard'
import { COMMANDS } from './commands'

export function WelcomePage() {
  return (
    <Container size="md" px={0}>
      <Stack gap="lg">
        <Stack gap="xs">
          <Title order={2}>A better start for QLoRA fine-tuning</Title>
          <Text>
            Quail reads a local Hugging Face checkpoint, quantizes it as bitsandbytes will, and computes LoRA matrices
            that make the quantized model behave like the original. Your trainer picks the adapter up from there.
          </Text>
        </Stack>
        <Alert title="This window has no tools yet" color="teal" variant="light">
          Projects, runs and the proof page come with a later version. Everything that Quail does today, it does from
          the command line:
        </Alert>
        {COMMANDS.map((command) => (
          <CommandCard key={command.title} {...command} />
        ))}
      </Stack>
    </Container>
  )
}
