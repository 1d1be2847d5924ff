/** Brazilian Portuguese: in the order of the English words. */

export default `
Nova versão disponível
Atualize quando for conveniente.
Atualizar agora
Mais tarde
Mais tempo
A página será atualizada sozinha ao fim do tempo.
Atualização de segurança disponível
Esta versão tem um problema de segurança conhecido.
Motivo: {reason}
Em espera por “{holds}”, no máximo {time}.
dados não salvos
Atualizar mesmo assim
Um momento…
A atualização ainda não está disponível aqui. Continuaremos tentando.
Não foi possível atualizar a página
Você pode continuar. Se algo parecer errado, reabra a aba.
Fechar
Ao fim do tempo, a página vai esperar por “{holds}”, no máximo {time}.
Voltamos a uma versão anterior
algo em andamento`;
