import { createRoot } from 'react-dom/client'
import { Inspector } from './inspector.tsx'

createRoot(document.getElementById('root')!).render(<Inspector model="model.onnx" />)
